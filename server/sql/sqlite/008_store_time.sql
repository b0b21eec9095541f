-- `lease_until` and `not_before` become store time, as `queue_until` and `deadline` are: microseconds
-- since 1970 by a clock that ignores changes of the wall clock. They were microseconds of the machine's
-- uptime. A starting server gives every live lease a full lease time, so only the waits change here.
UPDATE job SET not_before = 0 WHERE not_before <> 0;
