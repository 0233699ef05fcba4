#!/usr/bin/env bats
# lib/num: every line of a table is "COMMAND|WHAT THE DRIVER PRINTS".

load helper

# table: both columns of the table on stdin must match.
table() {
	cat >table
	cut -d'|' -f1 table >in
	cut -d'|' -f2- table >want
	"$UNIT/num" <in >got
	diff -u want got
}

@test "integers: the whole string counts, and the range" {
	table <<-'END'
	int 0 10 0|0
	int 0 10 10|10
	int 0 10 007|7
	int -5 5 -5|-5
	int -5 5 -0|0
	int 0 10 11|! 2 11 is not between 0 and 10
	int 0 10 -1|! 2 -1 is not between 0 and 10
	int 0 10 |! 2 '' is not a number
	int 0 10 -|! 2 '-' is not a number
	int 0 10 --1|! 2 '--1' is not a number
	int 0 10 +1|! 2 '+1' is not a number
	int 0 10  1|! 2 ' 1' is not a number
	int 0 10 1 |! 2 '1 ' is not a number
	int 0 10 1x|! 2 '1x' is not a number
	int 0 99 0x1f|! 2 '0x1f' is not a number
	int 0 10 1.0|! 2 '1.0' is not a number
	int 0 10 1e1|! 2 '1e1' is not a number
	int 0 10 ٣|! 2 '٣' is not a number
	int 0 9223372036854775807 9223372036854775807|9223372036854775807
	int -9223372036854775808 0 -9223372036854775807|-9223372036854775807
	int 0 10 9223372036854775808|! 2 9223372036854775808 is not between 0 and 10
	int 0 10 -9223372036854775809|! 2 -9223372036854775809 is not between 0 and 10
	int 0 10 99999999999999999999999|! 2 99999999999999999999999 is not between 0 and 10
	END
}

@test "durations of the house, in ms" {
	table <<-'END'
	dur 0|0
	dur 30|30000
	dur 250ms|250
	dur 30s|30000
	dur 5m|300000
	dur 2h|7200000
	dur 1d|86400000
	dur 01:30|90000
	dur 1:00:00|3600000
	dur 1-12:00:00|129600000
	dur 1-12|129600000
	dur 1-0:30|88200000
	dur 90:90|5490000
	dur |! 2 '' is not a duration (30s, 5m, 2h, 1-12:00:00)
	dur -1|! 2 '-1' is not a duration (30s, 5m, 2h, 1-12:00:00)
	dur 1.5s|! 2 '1.5s' is not a duration (30s, 5m, 2h, 1-12:00:00)
	dur 5 m|! 2 '5 m' is not a duration (30s, 5m, 2h, 1-12:00:00)
	dur 5S|! 2 '5S' is not a duration (30s, 5m, 2h, 1-12:00:00)
	dur 5min|! 2 '5min' is not a duration (30s, 5m, 2h, 1-12:00:00)
	dur 1:|! 2 '1:' is not a duration (30s, 5m, 2h, 1-12:00:00)
	dur :1|! 2 ':1' is not a duration (30s, 5m, 2h, 1-12:00:00)
	dur 1:2:3:4|! 2 '1:2:3:4' is not a duration (30s, 5m, 2h, 1-12:00:00)
	dur 1-2-3|! 2 '1-2-3' is not a duration (30s, 5m, 2h, 1-12:00:00)
	dur 1-|! 2 '1-' is not a duration (30s, 5m, 2h, 1-12:00:00)
	dur 2147483647-23:59:59|185542587187199000
	dur 2147483648-0|! 2 '2147483648-0' is not a duration (30s, 5m, 2h, 1-12:00:00)
	dur 2147483647d|185542587100800000
	dur 2147483648d|! 2 '2147483648d' is not a duration (30s, 5m, 2h, 1-12:00:00)
	dur 9223372036854775807ms|! 2 '9223372036854775807ms' is not a duration (30s, 5m, 2h, 1-12:00:00)
	dur 99999999999999999999s|! 2 '99999999999999999999s' is not a duration (30s, 5m, 2h, 1-12:00:00)
	END
}

@test "time limits as sbatch reads them, in s" {
	table <<-'END'
	time 30|1800
	time 0|0
	time 30:15|1815
	time 8:00:00|28800
	time 1-12|129600
	time 1-12:30|131400
	time 1-12:30:15|131415
	time 90s|90
	time 8h|28800
	time 1ms|1
	time 1000ms|1
	time 1001ms|2
	time 0ms|0
	time INFINITE|9223372036854775807
	time Unlimited|9223372036854775807
	time 9223372036854775807ms|! 2 '9223372036854775807ms' is not a time limit (30, 8:00:00, 1-12, 90s)
	time 9223372036854775s|! 2 '9223372036854775s' is not a time limit (30, 8:00:00, 1-12, 90s)
	time forever|! 2 'forever' is not a time limit (30, 8:00:00, 1-12, 90s)
	time |! 2 '' is not a time limit (30, 8:00:00, 1-12, 90s)
	time -1|! 2 '-1' is not a time limit (30, 8:00:00, 1-12, 90s)
	END
}

@test "memory as sbatch reads it, in MiB" {
	table <<-'END'
	mem 0|0
	mem 4000|4000
	mem 512M|512
	mem 512MB|512
	mem 4g|4096
	mem 1T|1048576
	mem 1K|1
	mem 1024k|1
	mem 1025K|2
	mem 4P|! 2 '4P' is not a memory size (4000, 512M, 4G)
	mem 4B|! 2 '4B' is not a memory size (4000, 512M, 4G)
	mem 4 G|! 2 '4 G' is not a memory size (4000, 512M, 4G)
	mem 4Gi|! 2 '4Gi' is not a memory size (4000, 512M, 4G)
	mem 4.5G|! 2 '4.5G' is not a memory size (4000, 512M, 4G)
	mem G|! 2 'G' is not a memory size (4000, 512M, 4G)
	mem |! 2 '' is not a memory size (4000, 512M, 4G)
	mem -1|! 2 '-1' is not a memory size (4000, 512M, 4G)
	mem 1099511627776T|1152921504606846976
	mem 1099511627777T|! 2 '1099511627777T' is not a memory size (4000, 512M, 4G)
	END
}

@test "rates, in millionths a second" {
	table <<-'END'
	rate 10/s|10000000
	rate 10|10000000
	rate 60/m|1000000
	rate 1/h|277
	rate 1000000/s|1000000000000
	rate 0/s|! 2 '0/s' is not a rate (10/s, 5/m)
	rate 1000001/s|! 2 '1000001/s' is not a rate (10/s, 5/m)
	rate 1/d|! 2 '1/d' is not a rate (10/s, 5/m)
	rate /s|! 2 '/s' is not a rate (10/s, 5/m)
	rate 1 /s|! 2 '1 /s' is not a rate (10/s, 5/m)
	rate -1/s|! 2 '-1/s' is not a rate (10/s, 5/m)
	END
}

@test "a text of any length gets a message that fits" {
	{ printf 'int 0 9 '; head -c 100000 /dev/zero | tr '\0' 9; echo; } >in
	"$UNIT/num" <in >got
	[ "$(wc -l <got)" = 1 ]
	[ "$(wc -c <got)" = 484 ]	# "! 2 ", 479 bytes, newline
}
