-- What a lease asks costs the same however many jobs wait and however many there have been: a
-- tenant's oldest waiting job of a kind, and the jobs that a lost answer granted.
DROP INDEX job_queue;
CREATE INDEX job_queue ON job (tenant, kind, number) WHERE state = 'queued';
CREATE INDEX job_nonce ON job (lease_worker, lease_nonce) WHERE state = 'running';
