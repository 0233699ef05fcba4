# cancel.jq: the live instances of the services $names, as cancel records.
select(.kind == "instance" and (.service | IN($names[0][]))
  and (.state | IN("PENDING", "RUNNING", "CONFIGURING", "SUSPENDED",
    "REQUEUED", "REQUEUE_HOLD", "STOPPED", "RESIZING")))
| {kind: "cancel", job_id, submit_at, why: "svc-down --cancel"}
