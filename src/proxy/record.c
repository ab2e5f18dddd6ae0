/*
 * The last phase: the request in the counters and in the audit log.
 */
#include "proxy/request.h"

#include "base/time.h"

static void count(struct request *r, int64_t now_us)
{
    struct counters *c = r->worker->counters;
    int status = r->status > 0 && r->status < COUNTERS_STATUS_MAX ? r->status : 0;

    counters_add(&c->requests[r->mode][status], 1);
    if (r->refusal)
        counters_add(&c->refused[r->refusal], 1);
    if (r->bytes_in)
        counters_add(&c->plain[COUNT_BYTES_IN], r->bytes_in);
    if (r->bytes_out)
        counters_add(&c->plain[COUNT_BYTES_OUT], r->bytes_out);
    counters_observe(&c->total, now_us - r->started_us);
    if (r->sent_us)
        counters_observe(&c->added, r->sent_us - r->started_us);
    if (r->target && r->verdict)
        counters_connector_add(r->target->counters, r->worker->index, status);
}

/* The resourceVersion part of "uid/resourceVersion". */
static struct str secret_version(const struct request *r)
{
    struct str version;

    if (!r->credential)
        return STR_NONE;
    version = credential_version(r->credential);
    return str_skip(version, (size_t)(str_rindex(version, '/') + 1));
}

static void fill_subject(const struct request *r, struct audit_record *record)
{
    const struct identity *id = r->identity;

    if (!id)
        return;
    record->subject = id->user;
    record->pod_ns = id->pod_ns;
    record->pod_name = id->pod_name;
    record->pod_uid = id->pod_uid;
    record->credential_id = id->credential_id;
    if (r->verdict && r->verdict->allowed)
        record->grant = r->verdict->reason;
}

/* The path without scheme and host of an absolute form: the host has a field of its own. */
static struct str path_of(struct str target)
{
    ptrdiff_t at;

    if (str_starts(target, STR("/")))
        return target;
    at = str_find(target, STR("://"));
    if (at < 0)
        return target;
    target = str_skip(target, (size_t)at + 3);
    at = str_index(target, '/');
    return at < 0 ? STR("/") : str_skip(target, (size_t)at);
}

/* The host as sent, without anything that stands before an '@'. */
static struct str host_of(const struct request *r)
{
    struct str host = r->url_host.n ? r->url_host : r->in->authority;

    return str_skip(host, (size_t)(str_rindex(host, '@') + 1));
}

static void write_audit(struct request *r, int64_t now_us)
{
    struct audit_record record = {
        .wall_us = loop_wall_us(r->worker->loop),
        .id = str_c(r->id),
        .trace = r->trace,
        .connector_ns = r->ns,
        .connector_name = r->name,
        .connector_uid = r->target ? r->target->uid : STR_NONE,
        .secret_version = secret_version(r),
        .mode = r->mode == MODE_FORWARD ? "forward" : "reverse",
        .method = r->in->method,
        .host = host_of(r),
        .path = path_of(r->in->target),
        .status = r->status,
        .reason = refusal_reason(r->refusal),
        .bytes_in = r->bytes_in,
        .bytes_out = r->bytes_out,
        .total_us = now_us - r->started_us,
        .upstream_us = r->sent_us ? now_us - r->sent_us : 0,
    };

    fill_subject(r, &record);
    (void)audit_put(r->worker->ring, &record); /* what is dropped is counted there */
}

enum phase_result record_run(struct request *r)
{
    int64_t now_us = loop_now_us(r->worker->loop);

    count(r, now_us);
    if (r->worker->ring)
        write_audit(r, now_us);
    return PHASE_NEXT;
}
