#!/bin/sh
# answer.sh: one HTTP request on stdin, its answer on stdout. socat starts it
# for each connection; PORT is svc-run's.
set -eu

# respond STATUS JSON
respond() {
	respond_len=$((${#2} + 1))
	printf 'HTTP/1.1 %s\r\nContent-Type: application/json\r\n' "$1"
	printf 'Content-Length: %d\r\nConnection: close\r\n\r\n' "$respond_len"
	[ "${method:-}" = HEAD ] || printf '%s\n' "$2"
}

LC_ALL=C
cr=$(printf '\r')
length=0
read -r method path version || exit 0
while read -r name value; do
	value=${value%"$cr"}
	case $name in
	"$cr" | '') break ;;
	[Cc][Oo][Nn][Tt][Ee][Nn][Tt]-[Ll][Ee][Nn][Gg][Tt][Hh]:) length=$value ;;
	esac
done

# What stands between the quotes below must need no escape.
case $method$path$length in
*[!!-~]* | *[\"\\]*)
	respond '400 Bad Request' '{"error":"bad request line"}'
	exit 0
	;;
esac
case $length in
'' | *[!0-9]* | ????????*)
	respond '400 Bad Request' '{"error":"bad Content-Length"}'
	exit 0
	;;
esac
case ${version%"$cr"} in
HTTP/1.[01]) ;;
*)
	respond '400 Bad Request' '{"error":"not HTTP/1.1"}'
	exit 0
	;;
esac

# The body is read and dropped, or closing would reset the connection.
[ "$length" -eq 0 ] || head -c "$length" >/dev/null

node=${SLURMD_NODENAME:-$(uname -n)}
respond '200 OK' "$(printf '{"service":"hello-socat","node":"%s","port":%d,"path":"%s","method":"%s","pid":%d%s}' \
	"$node" "$PORT" "$path" "$method" $$ \
	"${SLURM_JOB_ID:+,\"job_id\":$SLURM_JOB_ID}")"
