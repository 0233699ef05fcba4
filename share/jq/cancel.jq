# cancel.jq: the live instances of the services $names, as cancel records.
select(.kind == "instance" and (.service | IN($names[]))
  and (.state // "RUNNING" | IN("COMPLETED", "CANCELLED", "FAILED", "TIMEOUT",
    "NODE_FAIL", "PREEMPTED", "BOOT_FAIL", "DEADLINE", "OUT_OF_MEMORY",
    "REVOKED", "COMPLETING") | not))
| {kind: "cancel", job_id, submit_at, why: "svc-down --cancel"}
