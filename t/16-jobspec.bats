#!/usr/bin/env bats
# lib/jobspec, lib/jobtext: the resource keys, read from records, options and
# #SBATCH lines, written as a record and as sbatch's options.

load helper

# jobspec: what the driver makes of the lines of stdin must be those in `want`.
# A line "script" or "over" ends in text, which the driver gets as hex digits.
jobspec() {
	local line text
	while IFS= read -r line; do
		case $line in
		'script '* | 'over '*)
			text=${line##* =}
			printf '%s%s\n' "${line%" =$text"} " \
				"$(printf "$text" | od -An -tx1 -v | tr -d ' \n')"
			;;
		*) printf '%s\n' "$line" ;;
		esac
	done >in
	"$UNIT/jobspec" <in >got
	diff -u want got
}

@test "every key of a record, as a record and as options" {
	cat >want <<-'END'
	{"name":"n","partition":"p","account":"a","qos":"q","nodes":"2-4","ntasks":3,"ntasks_per_node":1,"cpus_per_task":2,"mem_mb":100,"gres":"gpu:1","gpus":"2","constraint":"c","exclude":"n1","nodelist":"n2","time_limit_s":90,"reservation":"r","licenses":"l:1","dependency":"afterok:1","array":"1-3","begin_at":1893456000,"requeue":false,"signal":"B:USR1@30","hold":true,"output":"o","error":"e","chdir":"/","exclusive":"user","comment":"x y"} --job-name=n --partition=p --account=a --qos=q --nodes=2-4 --ntasks=3 --ntasks-per-node=1 --cpus-per-task=2 --mem=100M --gres=gpu:1 --gpus=2 --constraint=c --exclude=n1 --nodelist=n2 --time=1:30 --reservation=r --licenses=l:1 --dependency=afterok:1 --array=1-3 --begin=2030-01-01T00:00:00 --no-requeue --signal=B:USR1@30 --hold --output=o --error=e --chdir=/ --exclusive=user --comment=x y
	{"nodes":2,"mem_per_cpu_mb":0,"gpus":"a100:2","time_limit_s":0,"requeue":true,"hold":false,"exclusive":true} --nodes=2-2 --mem-per-cpu=0M --gpus=a100:2 --time=UNLIMITED --requeue --exclusive
	{}
	END
	jobspec <<-'END'
	json {"kind":"submit","name":"n","partition":"p","account":"a","qos":"q","nodes":"2-4","ntasks":3,"ntasks_per_node":1,"cpus_per_task":2,"mem_mb":100,"gres":"gpu:1","gpus":2,"constraint":"c","exclude":"n1","nodelist":"n2","time_limit_s":90,"reservation":"r","licenses":"l:1","dependency":"afterok:1","array":"1-3","begin_at":1893456000,"requeue":false,"signal":"B:USR1@30","hold":true,"output":"o","error":"e","chdir":"/","exclusive":"user","comment":"x y"}
	json {"nodes":2,"gpus":"a100:2","mem_per_cpu_mb":0,"time_limit_s":0,"exclusive":true,"hold":false,"requeue":true}
	json {"kind":"submit","script":"x"}
	END
}

@test "records that are refused" {
	cat >want <<-'END'
	! 2 unknown key 'x'
	! 2 'ntasks' must be 1 to 2147483647
	! 2 'ntasks' must be an integer
	! 2 'cpus_per_task' must be 1 to 65533
	! 2 nodes: '4-2' is not a count of nodes (2, 2-4)
	! 2 nodes: '1-2-3' is not a count of nodes (2, 2-4)
	! 2 'nodes' must be an integer
	! 2 'time_limit_s' must be 0 to 253403070405
	! 2 'time_limit_s' must be an integer
	! 2 'hold' must be true or false
	! 2 'requeue' must be true or false
	! 2 exclusive: 'x' is not one of user, mcs
	! 2 signal: 'FOO' is not a signal ([R][B:]SIG[@SECONDS])
	! 2 'signal' must be text
	! 2 partition: is empty
	! 2 name: holds a control character
	! 2 mem_mb and mem_per_cpu_mb exclude each other
	! 2 gpus: 'x' is not a count of GPUs (2, a100:2)
	! 2 gpus: '1,' is not a count of GPUs (2, a100:2)
	! 2 'gpus' must be 1 to 2147483647
	! 2 'begin_at' must be an integer
	END
	jobspec <<-'END'
	json {"x":1}
	json {"ntasks":0}
	json {"ntasks":"3"}
	json {"cpus_per_task":65534}
	json {"nodes":"4-2"}
	json {"nodes":"1-2-3"}
	json {"nodes":2.5}
	json {"time_limit_s":-1}
	json {"time_limit_s":"8h"}
	json {"hold":1}
	json {"requeue":null}
	json {"exclusive":"x"}
	json {"signal":"FOO"}
	json {"signal":10}
	json {"partition":""}
	json {"name":"a\nb"}
	json {"mem_mb":1,"mem_per_cpu_mb":1}
	json {"gpus":"x"}
	json {"gpus":"1,"}
	json {"gpus":0}
	json {"begin_at":"now"}
	END
}

@test "options in sbatch's forms" {
	cat >want <<-'END'
	{"time_limit_s":28800} --time=480:00
	{"time_limit_s":90} --time=1:30
	{"time_limit_s":300} --time=5:00
	{"time_limit_s":129600} --time=2160:00
	{"time_limit_s":0} --time=UNLIMITED
	{"mem_mb":4096} --mem=4096M
	{"mem_mb":2} --mem=2M
	{"mem_per_cpu_mb":1024} --mem-per-cpu=1024M
	{"nodes":3} --nodes=3-3
	{"hold":true} --hold
	{"requeue":false} --no-requeue
	{"requeue":true} --requeue
	{"exclusive":true} --exclusive
	{"exclusive":"user"} --exclusive=user
	{"gpus":"a100:1,v100:2"} --gpus=a100:1,v100:2
	{"signal":"br:sigint@0"} --signal=br:sigint@0
	! 2 --time: 'x' is not a time limit (30, 8:00:00, 1-12, 90s)
	! 2 --mem: '4X' is not a memory size (4000, 512M, 4G)
	! 2 --hold: takes no value
	! 2 --exclusive: 'x' is not one of user, mcs
	! 2 --partition: needs a value
	! 2 --partition: is empty
	! 2 --nope: unknown option
	! 2 --nodes: '2k' is not a count of nodes (2, 2-4)
	! 2 --signal: '@5' is not a signal ([R][B:]SIG[@SECONDS])
	! 2 --signal: 'B:15@70000' is not a signal ([R][B:]SIG[@SECONDS])
	! 2 --signal: 'X:15' is not a signal ([R][B:]SIG[@SECONDS])
	END
	jobspec <<-'END'
	opt time=8h
	opt time=1:30
	opt time=5
	opt time=1-12
	opt time=UNLIMITED
	opt mem=4G
	opt mem=2000K
	opt mem-per-cpu=1G
	opt nodes=3
	opt hold
	opt no-requeue
	opt requeue
	opt exclusive
	opt exclusive=user
	opt gpus=a100:1,v100:2
	opt signal=br:sigint@0
	opt time=x
	opt mem=4X
	opt hold=1
	opt exclusive=x
	opt partition
	opt partition=
	opt nope
	opt nodes=2k
	opt signal=@5
	opt signal=B:15@70000
	opt signal=X:15
	END
}

# 2030-01-01T12:00:00Z is 1893499200, a Tuesday.
@test "points in time" {
	cat >want <<-'END'
	{}
	{"begin_at":1893499200} --begin=2030-01-01T12:00:00
	{"begin_at":1893499260} --begin=2030-01-01T12:01:00
	{"begin_at":1893506400} --begin=2030-01-01T14:00:00
	{"begin_at":1894104000} --begin=2030-01-08T12:00:00
	{"begin_at":1893499201} --begin=2030-01-01T12:00:01
	{"begin_at":1893513600} --begin=2030-01-01T16:00:00
	{"begin_at":1893513600} --begin=2030-01-01T16:00:00
	{"begin_at":1893574800} --begin=2030-01-02T09:00:00
	{"begin_at":1893542400} --begin=2030-01-02T00:00:00
	{"begin_at":1893542400} --begin=2030-01-02T00:00:00
	{"begin_at":1896134400} --begin=2030-02-01T00:00:00
	{"begin_at":1896134400} --begin=2030-02-01T00:00:00
	{"begin_at":1896134400} --begin=2030-02-01T00:00:00
	{"begin_at":1896192000} --begin=2030-02-01T16:00:00
	{"begin_at":1896192030} --begin=2030-02-01T16:00:30
	{"begin_at":1924819200} --begin=2030-12-30T00:00:00
	! 2 --begin: '25:00' is not a time (now+1hour, 16:00, 2030-01-31T16:00:00)
	! 2 --begin: 'now+' is not a time (now+1hour, 16:00, 2030-01-31T16:00:00)
	! 2 --begin: 'now+1year' is not a time (now+1hour, 16:00, 2030-01-31T16:00:00)
	! 2 --begin: '2030-13-01' is not a time (now+1hour, 16:00, 2030-01-31T16:00:00)
	! 2 --begin: '2030-01-01T' is not a time (now+1hour, 16:00, 2030-01-31T16:00:00)
	! 2 --begin: '20' is not a time (now+1hour, 16:00, 2030-01-31T16:00:00)
	END
	jobspec <<-'END'
	now 1893499200
	opt begin=now
	opt begin=now+60
	opt begin=now+2hours
	opt begin=now+1week
	opt begin=now+1second
	opt begin=16:00
	opt begin=teatime
	opt begin=9:00
	opt begin=midnight
	opt begin=tomorrow
	opt begin=2030-02-01
	opt begin=0201
	opt begin=02/01/30
	opt begin=020130-16:00
	opt begin=2030-02-01T16:00:30
	opt begin=12/30
	opt begin=25:00
	opt begin=now+
	opt begin=now+1year
	opt begin=2030-13-01
	opt begin=2030-01-01T
	opt begin=20
	END
}

@test "#SBATCH lines: several options, quotes, comments, up to the first command" {
	cat >want <<-'END'
	{"name":"a b","nodes":2,"mem_per_cpu_mb":5,"time_limit_s":300,"hold":true,"comment":"c # d"} --job-name=a b --nodes=2-2 --mem-per-cpu=5M --time=5:00 --hold --comment=c # d
	{"partition":"a"} --partition=a
	{}
	{}
	{"partition":"x"} --partition=x
	{"partition":"b"} --partition=b
	{"name":"it's \"so\""} --job-name=it's "so"
	END
	jobspec <<-'END'
	script =#!/bin/sh\n#SBATCH -N2 -Ht 5 # c\n #SBATCH -n9\n\n# x\n#SBATCH --mem=1G --mem-per-cpu 5\n#SBATCH -J "a b" --comment=c\\ \\#' d'\necho\n#SBATCH --bad\n
	script =#!/bin/sh\n#SBATCH\t-pa
	script =#!/bin/sh\n#SBATCH # nothing\n#SBATCH\n
	script =#!/bin/sh\ntrue\n#SBATCH -p x\n
	script =#!/bin/sh\n#SBATCH -p x\n: \\\n#SBATCH -p y\n
	script =#!/bin/sh\n#SBATCH -p a\n#SBATCH -p b\n
	script =#!/bin/sh\n#SBATCH -J "it's" -J "it's \\"so\\""\n
	END
}

@test "#SBATCH lines that are refused, by file and line" {
	cat >want <<-'END'
	! 2 job.sh:2: #SBATCH --foo=1: --foo: unknown option
	! 2 job.sh:2: #SBATCH foo: not an option
	! 2 job.sh:4: #SBATCH -Z: -Z: unknown option
	! 2 job.sh:2: #SBATCH -J "a: no closing "
	! 2 job.sh:2: #SBATCH -t: --time: needs a value
	! 2 job.sh:2: #SBATCH --time: --time: needs a value
	! 2 job.sh:2: #SBATCH --hold=x: --hold: takes no value
	! 2 job.sh:2: #SBATCH -t 5 --mail-type=END: --mail-type: unknown option
	! 2 job.sh:2: #SBATCH -t never: --time: 'never' is not a time limit (30, 8:00:00, 1-12, 90s)
	! 2 job.sh:2: #SBATCH -: not an option
	! 2 job.sh:2: #SBATCH --: not an option
	END
	jobspec <<-'END'
	script =#!/bin/sh\n#SBATCH --foo=1\n
	script =#!/bin/sh\n#SBATCH foo\n
	script =#!/bin/sh\n\n#\n#SBATCH -Z\n
	script =#!/bin/sh\n#SBATCH -J "a\n
	script =#!/bin/sh\n#SBATCH -t\n
	script =#!/bin/sh\n#SBATCH --time\n
	script =#!/bin/sh\n#SBATCH --hold=x\n
	script =#!/bin/sh\n#SBATCH -t 5 --mail-type=END\n
	script =#!/bin/sh\n#SBATCH -t never\n
	script =#!/bin/sh\n#SBATCH -\n
	script =#!/bin/sh\n#SBATCH --\n
	END
}

@test "a record wins over #SBATCH lines, also with false and with the other kind of memory" {
	cat >want <<-'END'
	{"mem_mb":5,"time_limit_s":60,"hold":false} --mem=5M --time=1:00
	{"partition":"b"} --partition=b
	END
	jobspec <<-'END'
	over {"mem_mb":5,"hold":false} =#!/bin/sh\n#SBATCH --mem-per-cpu=1 -H -t 1\n
	over {"partition":"b"} =#!/bin/sh\n#SBATCH -p a\n
	END
}
