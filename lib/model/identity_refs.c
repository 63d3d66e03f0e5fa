#include "model/identity_refs.h"

#include <stdlib.h>

#include "base/mem.h"
#include "io/spool.h"

struct cdp_idrefs {
	struct cdp_spool *spool;
};

/* Its n ids follow. */
struct ref {
	int64_t ms;
	uint32_t n;
} __attribute__((packed));

struct cdp_idrefs *cdp_idrefs_new(struct cdp_err *err)
{
	struct cdp_spool *spool = cdp_spool_new(err);
	struct cdp_idrefs *r;

	if (!spool)
		return NULL;
	r = cdp_alloc(sizeof(*r));
	r->spool = spool;
	return r;
}

void cdp_idrefs_free(struct cdp_idrefs *r)
{
	if (!r)
		return;
	cdp_spool_free(r->spool);
	free(r);
}

int cdp_idrefs_add(struct cdp_idrefs *r, const struct cdp_identity *m, int64_t ms,
		   const uint32_t *ids, size_t n, struct cdp_err *err)
{
	struct ref ref = { ms, (uint32_t)cdp_identity_deciding(m, n, ids) };
	size_t bytes = ref.n * sizeof(*ids);

	if (cdp_spool_write(r->spool, &ref, sizeof(ref), err) < 0)
		return -1;
	return cdp_spool_write(r->spool, ids, bytes, err);
}

int cdp_idrefs_rewind(struct cdp_idrefs *r, struct cdp_err *err)
{
	return cdp_spool_rewind(r->spool, err);
}

int cdp_idrefs_next(struct cdp_idrefs *r, const struct cdp_identity *m, uint64_t *one_id,
		    bool *known, struct cdp_err *err)
{
	uint32_t ids[CDP_IDKINDS_MAX];
	struct ref ref;
	int rc = cdp_spool_read(r->spool, &ref, sizeof(ref), err);

	if (rc > 0 && ref.n <= CDP_IDKINDS_MAX && ref.n > 0)
		rc = cdp_spool_read(r->spool, ids, ref.n * sizeof(*ids), err);
	if (rc > 0)
		*known = cdp_identity_of(m, ids, ref.n, ref.ms, one_id);
	return rc;
}
