# ps.jq: svc-proxy's GET /status, or the records of svc-discover (slurped), as
# rows for svc-ps: tab-separated, the header first.

def duration:
  if . == null then "-"
  elif . >= 86400 then "\(. / 86400 | floor)d\(. % 86400 / 3600 | floor)h"
  elif . >= 3600 then "\(. / 3600 | floor)h\(. % 3600 / 60 | floor)m"
  elif . >= 60 then "\(. / 60 | floor)m\(. % 60)s"
  else "\(.)s" end;

def word:
  if .state != "RUNNING" and .state != null then .state
  elif .draining then "draining"
  elif .url == null then "starting"
  elif .health == "down" then "down"
  elif .health == "up" or .ready then "ready"
  else "unchecked" end;

def live: . != null and (.state // "RUNNING"
  | IN("COMPLETED", "CANCELLED", "FAILED", "TIMEOUT", "NODE_FAIL", "PREEMPTED",
    "BOOT_FAIL", "DEADLINE", "OUT_OF_MEMORY", "REVOKED", "COMPLETING") | not);

def row: [.service, (.job_id | tostring), word, (.reason // ""),
  (.node // "-"), (.url // "-"), (.inflight // "-" | tostring),
  ((.left_s // (if .end_at and .state == "RUNNING"
    then .end_at - now | floor else null end)) | duration)]
  | map(if . == "" then "-" else gsub("[\t\n]"; " ") end);

["SERVICE", "JOB", "STATE", "REASON", "NODE", "URL", "INFLIGHT", "LEFT"],
(if type == "object" then
  .services[] | .service as $name
  | [.instances[] | select(live)] as $list
  | if $list == [] then [$name, "-", "-", (.why // "-"), "-", "-", "-", "-"]
    else $list[] | .service = $name | row end
else
  map(select(.kind == "instance" and live))[] | row
end)
| @tsv
