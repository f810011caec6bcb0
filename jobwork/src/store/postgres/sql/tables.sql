-- The tables of the store.
--
-- A job's row stands in `jobs` until it has ended and in `ended` from then on: what workers look at stays small, whatever has been
-- done, and what is kept is written once and densely. What somebody looks for has a line of its own: ready jobs, held ones;
-- what few jobs have stands in `details`. A claim takes jobs out of the line `ready`, and one row of `claims` says who has them; no row of a
-- job says that it runs. `attempt` counts the attempts that are over, and `claim` is the last claim that is: a job runs while a later
-- one names it.
--
-- States are numbers: -1 held, 0 waiting, 1 ready (or running), 3 completed, 4 cancelled, 5 discarded, 6 dead. Scheduled is ready with a
-- later `run_at`. Times are milliseconds since 1970. `cancel` is 1 while somebody wants a running job to be cancelled, and 2 once that
-- job has ended. The bits of `flags` are listed in `flag.rs`.
--
-- Columns stand in an order without padding.

CREATE SEQUENCE job_number;
CREATE SEQUENCE claim_number;
CREATE SEQUENCE batch_number;

CREATE TABLE jobs (
    seq bigint PRIMARY KEY,
    created_at bigint NOT NULL,
    run_at bigint NOT NULL,
    claim bigint NOT NULL DEFAULT 0,
    priority integer NOT NULL,
    retries bigint NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    flags integer NOT NULL DEFAULT 0,
    attempt integer NOT NULL DEFAULT 0,
    rescues integer NOT NULL DEFAULT 0,
    waits integer NOT NULL DEFAULT 0,
    state smallint NOT NULL,
    cancel smallint NOT NULL DEFAULT 0,
    started_at bigint,
    name text COLLATE "C" NOT NULL,
    queue text COLLATE "C" NOT NULL,
    args text NOT NULL,
    CONSTRAINT can_count_on CHECK (attempt <= 2000000000 AND rescues <= 2000000000 AND waits <= 2000000000)
);
CREATE INDEX jobs_waiting ON jobs (queue) WHERE waits > 0;
CREATE INDEX jobs_told ON jobs (seq) WHERE cancel = 1;

CREATE TABLE ended (
    seq bigint PRIMARY KEY,
    created_at bigint NOT NULL,
    run_at bigint NOT NULL,
    claim bigint NOT NULL,
    finished_at bigint NOT NULL,
    priority integer NOT NULL,
    retries bigint NOT NULL,
    version bigint NOT NULL,
    flags integer NOT NULL,
    attempt integer NOT NULL,
    rescues integer NOT NULL,
    waits integer NOT NULL,
    state smallint NOT NULL,
    cancel smallint NOT NULL,
    started_at bigint,
    name text COLLATE "C" NOT NULL,
    queue text COLLATE "C" NOT NULL,
    args text NOT NULL,
    output text,
    reason text,
    CONSTRAINT can_count_on CHECK (attempt <= 2000000000 AND rescues <= 2000000000 AND waits <= 2000000000)
);
CREATE INDEX ended_when ON ended (finished_at);
CREATE INDEX ended_how ON ended (state, name, finished_at, seq) WHERE state > 3;

CREATE TABLE ready (
    run_at bigint NOT NULL,
    seq bigint NOT NULL CHECK (seq > 0),
    expires_at bigint,
    version bigint NOT NULL,
    priority integer NOT NULL,
    special boolean NOT NULL DEFAULT false,
    queue text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL
);
CREATE INDEX ready_line ON ready (queue, priority DESC, run_at, seq);
CREATE INDEX ready_special ON ready (run_at, queue) WHERE special;

CREATE TABLE details (
    job bigint PRIMARY KEY,
    chain bigint,
    position bigint,
    cause bigint,
    expires_at bigint,
    retry_until bigint,
    retain bigint CHECK (retain <= 1::bigint << 61),
    kept_until bigint,
    batch bigint,
    unique_until bigint,
    standing integer,
    unique_states integer,
    may_expire boolean NOT NULL DEFAULT false,
    has_key boolean NOT NULL DEFAULT false,
    in_line boolean,
    tags text[] CHECK (is_list(tags)),
    on_error text,
    ordered text,
    limits text CHECK (are_limits(limits::jsonb)),
    unique_key text
);
CREATE INDEX details_chain ON details (chain, position) WHERE chain IS NOT NULL;
CREATE INDEX details_expiring ON details (expires_at) WHERE may_expire;
CREATE INDEX details_retained ON details (kept_until) WHERE kept_until IS NOT NULL;
CREATE INDEX details_batch ON details (batch) WHERE batch IS NOT NULL;
-- Keys can be longer than an entry of an index may be, so their hashes are looked up, and the keys compared.
-- No index sees to it that a key is one job's: who writes here has the lock of `lock_flow`.
CREATE INDEX details_ordered ON details (hashtextextended(ordered, 0), in_line, job) WHERE in_line IS NOT NULL;
CREATE INDEX details_unique ON details (hashtextextended(unique_key, 0)) WHERE has_key;

CREATE TABLE claims (
    id bigint PRIMARY KEY,
    worker bigint NOT NULL,
    at bigint NOT NULL,
    running bigint NOT NULL,
    -- By which the worker gives back a claim whose answer it never got.
    token bigint,
    firsts bigint[] NOT NULL CHECK (is_list(firsts)),
    lasts bigint[] NOT NULL CHECK (is_list(lasts))
);
CREATE INDEX claims_worker ON claims (worker);

-- Jobs that were completed in transactions of their own, and whose claims have not counted them yet.
CREATE TABLE finished_in (claim bigint NOT NULL, job bigint NOT NULL, PRIMARY KEY (claim, job));

CREATE TABLE workers (
    key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id uuid NOT NULL UNIQUE,
    last_beat bigint NOT NULL,
    expires_at bigint NOT NULL,
    running bigint NOT NULL,
    locked boolean NOT NULL,
    state text NOT NULL,
    info text NOT NULL,
    command text,
    -- The tokens of claims that were given back, and must not come any more.
    refused bigint[] NOT NULL DEFAULT '{}'
) WITH (fillfactor = 50);

-- One row for each write of completed jobs, summed up now and then.
CREATE TABLE totals (completed bigint NOT NULL);

CREATE TABLE links (
    parent bigint NOT NULL,
    child bigint NOT NULL,
    place integer NOT NULL,
    done boolean NOT NULL DEFAULT false,
    slot text,
    PRIMARY KEY (parent, child, place)
);
CREATE INDEX links_child ON links (child);

CREATE TABLE batches (
    seq bigint PRIMARY KEY,
    created_at bigint NOT NULL,
    parent bigint,
    on_complete bigint,
    on_success bigint,
    on_death bigint,
    kept bigint NOT NULL DEFAULT 0,
    total bigint NOT NULL DEFAULT 0,
    ran bigint NOT NULL DEFAULT 0,
    ended bigint NOT NULL DEFAULT 0,
    succeeded bigint NOT NULL DEFAULT 0,
    dead bigint NOT NULL DEFAULT 0,
    cancelled bigint NOT NULL DEFAULT 0,
    completed_at bigint,
    succeeded_at bigint,
    died_at bigint,
    finished_at bigint,
    standing integer NOT NULL DEFAULT 0,
    description text NOT NULL,
    CONSTRAINT can_count_on CHECK (least(kept, total, ran, ended, succeeded, dead, cancelled) >= -(1::bigint << 60)
        AND greatest(kept, total, ran, ended, succeeded, dead, cancelled) <= 1::bigint << 60)
);
CREATE INDEX batches_parent ON batches (parent) WHERE parent IS NOT NULL;

CREATE TABLE attempts (
    entry bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job bigint NOT NULL,
    at bigint NOT NULL,
    attempt integer NOT NULL,
    worker uuid NOT NULL,
    outcome text NOT NULL,
    failure text
);
CREATE INDEX attempts_job ON attempts (job);

CREATE TABLE schedules (name text COLLATE "C" PRIMARY KEY, schedule text NOT NULL);

CREATE TABLE held (
    job bigint PRIMARY KEY,
    run_at bigint NOT NULL,
    version bigint NOT NULL,
    priority integer NOT NULL,
    let_out boolean NOT NULL DEFAULT false,
    key text COLLATE "C" NOT NULL,
    queue text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL
);
CREATE INDEX held_behind ON held (hashtextextended(key, 0), queue, name, version, let_out, priority DESC, run_at, job);

CREATE TABLE gates (
    version bigint NOT NULL,
    wake_at bigint,
    look_at bigint,
    key text COLLATE "C" NOT NULL,
    queue text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL
);
CREATE INDEX gates_key ON gates (hashtextextended(key, 0), queue, name, version);
CREATE INDEX gates_due ON gates (wake_at, look_at) WHERE wake_at IS NOT NULL;

CREATE TABLE slots (job bigint NOT NULL, key text COLLATE "C" NOT NULL);
CREATE INDEX slots_key ON slots (hashtextextended(key, 0), job);
CREATE INDEX slots_job ON slots (job);

-- Nanoseconds since 1970.
CREATE TABLE buckets (full_at bigint NOT NULL, taken_at bigint NOT NULL, key text COLLATE "C" NOT NULL);
CREATE INDEX buckets_key ON buckets (hashtextextended(key, 0));
CREATE INDEX buckets_full ON buckets (full_at);

CREATE TABLE pauses (
    until bigint,
    kind text NOT NULL CHECK (kind IN ('everything', 'queue', 'job')),
    name text COLLATE "C" NOT NULL,
    PRIMARY KEY (kind, name)
);
CREATE TABLE queue_limits (
    queue text COLLATE "C" PRIMARY KEY,
    rule text CHECK (is_queue_limit(rule::jsonb)),
    at_start text
);

CREATE TABLE notes (job bigint PRIMARY KEY, at bigint, fraction double precision, message text, checkpoint text);
CREATE TABLE logs (
    entry bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job bigint NOT NULL,
    at bigint NOT NULL,
    attempt integer NOT NULL,
    level text NOT NULL,
    text text NOT NULL
);
CREATE INDEX logs_job ON logs (job, entry);
