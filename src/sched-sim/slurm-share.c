/*
 * slurm-share.c - fair share: accounts and their users as a tree, what each has
 * used, and the factor that follows: by Fair Tree, as fair_tree.html has it, or
 * with NO_FAIR_TREE by 2^-(U / S), as classic_fair_share.html has it.
 *
 * Doubles, but only +, *, / and square roots of them, in one order: the same
 * bits on any machine.
 */
#include "slurm.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

/* ---- the tree ---- */

static int32_t
find(const struct slurm_conf *f, const char *account, const char *user)
{
	const struct share *h;
	int32_t i;

	for (i = 0; i < f->shares_len; i++) {
		h = &f->shares[i];
		if (strcmp(h->account, account) == 0 &&
		    (user == NULL ? h->user == NULL :
		    h->user != NULL && strcmp(h->user, user) == 0))
			return i;
	}
	return NOBODY;
}

static int32_t
add(struct slurm_conf *f, const char *account, const char *user,
    int32_t parent, int64_t shares)
{
	int32_t i = f->shares_len++;
	struct share *h;

	f->shares = xrealloc(f->shares, (size_t)f->shares_len, sizeof(*h));
	h = &f->shares[i];
	*h = (struct share){ .account = xstrdup(account),
	    .user = user ? xstrdup(user) : NULL, .parent = parent,
	    .first = NOBODY, .next = NOBODY, .shares = shares };
	if (parent != NOBODY) {
		h->next = f->shares[parent].first;
		f->shares[parent].first = i;
		f->shares[parent].below += shares;
	}
	return i;
}

/* The root is the first. */
static int32_t
account_of(struct slurm_conf *f, const char *account)
{
	int32_t i;

	if (f->shares_len == 0)
		(void)add(f, "root", NULL, NOBODY, 1);
	i = find(f, account, NULL);
	return i != NOBODY ? i : add(f, account, NULL, 0, 1);
}

int32_t
slurm_share_of(struct slurm_conf *f, const char *account, const char *user)
{
	int32_t parent = account_of(f, account ? account : "root");
	int32_t i = find(f, f->shares[parent].account, user);

	return i != NOBODY ? i : add(f, account ? account : "root", user,
	    parent, 1);
}

int
slurm_add_share(struct slurm_conf *f, const char *account, const char *parent,
    const char *user, int64_t shares, struct err *e)
{
	int32_t up;

	if (*user != '\0' && *parent != '\0')
		return err_perm(e, "share: a user has an account, no parent");
	if (*user == '\0' && *parent == '\0' &&
	    strcmp(account, "root") == 0) {
		(void)account_of(f, account);	/* it has no siblings */
		return 0;
	}
	if (find(f, account, *user ? user : NULL) != NOBODY)
		return err_perm(e, "share: %s%s%s is there twice", account,
		    *user ? ", user " : "", user);
	if (*user != '\0') {
		up = account_of(f, account);
	} else {
		(void)account_of(f, "root");
		up = *parent == '\0' ? 0 : find(f, parent, NULL);
		if (up == NOBODY)
			return err_perm(e, "share: the parent '%s' of account "
			    "%s is not before it", parent, account);
	}
	(void)add(f, account, *user ? user : NULL, up, shares);
	return 0;
}

int
slurm_add_qos(struct slurm_conf *f, const char *name, int64_t priority,
    struct err *e)
{
	int32_t i;

	for (i = 0; i < f->qos_len; i++)
		if (strcmp(f->qos[i].name, name) == 0)
			return err_perm(e, "qos: %s is there twice", name);
	f->qos = xrealloc(f->qos, (size_t)f->qos_len + 1, sizeof(*f->qos));
	f->qos[f->qos_len++] = (struct qos){ xstrdup(name), priority };
	return 0;
}

/* ---- what was used ---- */

double
slurm_share_kept(const struct slurm_conf *f, int64_t span_s)
{
	double base, kept = 1;

	if (f->half_life_s == 0)
		return 1;
	/* Slurm's own approximation of 2^-(1 s / half life) */
	base = 1 - 0.693 / (double)f->half_life_s;
	for (; span_s > 0; span_s /= 2) {
		if (span_s & 1)
			kept *= base;
		base *= base;
	}
	return kept;
}

void
slurm_share_decay(struct slurm_conf *f, int64_t span_s)
{
	double kept = slurm_share_kept(f, span_s);
	int32_t i;

	for (i = 0; i < f->shares_len; i++)
		f->shares[i].used *= kept;
}

void
slurm_share_use(struct slurm_conf *f, int32_t share, double cpu_s)
{
	for (; share != NOBODY; share = f->shares[share].parent)
		f->shares[share].used += cpu_s;
}

/* ---- what that is worth ---- */

/* S / U among siblings: what it may have over what it had. */
static void
set_level(struct slurm_conf *f, struct share *h)
{
	double all = f->shares[h->parent].used;
	double u = all > 0 ? h->used / all : 0;

	if (h->shares == 0)
		h->level = 0;
	else if (u == 0)
		h->level = HUGE_VAL;
	else
		h->level = (double)h->shares /
		    (double)f->shares[h->parent].below / u;
}

/* Of equals users come before accounts; else as they were added. */
static int
cmp_level(const void *a, const void *b, void *shares)
{
	int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
	const struct share *i = (struct share *)shares + x;
	const struct share *j = (struct share *)shares + y;

	if (i->level != j->level)
		return i->level < j->level ? 1 : -1;
	if ((i->user == NULL) != (j->user == NULL))
		return i->user != NULL ? -1 : 1;
	return (x > y) - (x < y);
}

/* Siblings, or children of equal accounts, by level; the next is at i. */
struct list {
	int32_t *of;
	size_t len, i;
	bool tied;		/* their parent was equal to who came before */
};

static struct list
children(const struct slurm_conf *f, const int32_t *accounts, size_t n)
{
	struct list l = { .of = xcalloc((size_t)f->shares_len + 1,
	    sizeof(*l.of)) };
	size_t i;
	int32_t k;

	for (i = 0; i < n; i++)
		for (k = f->shares[accounts[i]].first; k != NOBODY;
		    k = f->shares[k].next)
			l.of[l.len++] = k;
	qsort_r(l.of, l.len, sizeof(*l.of), cmp_level, f->shares);
	return l;
}

static bool
equal(const struct slurm_conf *f, const struct list *l, size_t i, size_t k)
{
	return f->shares[l->of[i]].level == f->shares[l->of[k]].level;
}

/* So many accounts from the next on are equal. */
static size_t
equals(const struct slurm_conf *f, const struct list *l)
{
	size_t n = 1;

	while (l->i + n < l->len && equal(f, l, l->i, l->i + n))
		n++;
	return n;
}

/*
 * Fair Tree: a list in order of level; a user gets the next rank, an account
 * makes way for its children, together with those of accounts equal to it.
 * Users that are equal have the same rank.
 */
static void
rank_tree(struct slurm_conf *f, int32_t users)
{
	struct list *stack = xcalloc((size_t)f->shares_len + 1,
	    sizeof(*stack)), *l, next;
	int32_t root = 0, rank = users, untied = users;
	size_t depth = 0, n;
	struct share *h;
	bool tied;

	stack[depth++] = children(f, &root, 1);
	while (depth > 0) {
		l = &stack[depth - 1];
		if (l->i == l->len) {
			free(l->of);
			depth--;
			continue;
		}
		h = &f->shares[l->of[l->i]];
		tied = l->i == 0 ? l->tied : equal(f, l, l->i - 1, l->i);
		if (h->user != NULL) {
			if (!tied)
				rank = untied;
			h->factor = (double)rank / (double)users;
			untied--;
			l->i++;
			continue;
		}
		n = equals(f, l);
		next = children(f, l->of + l->i, n);
		next.tied = tied;
		l->i += n;
		stack[depth++] = next;
	}
	free(stack);
}

/* 2^-x: each binary digit of x is a square root of the one before. */
static double
half_to(double x)
{
	double out = 1, root = 0.5;
	int i, whole;

	if (x >= 1024)
		return 0;
	whole = (int)x;
	x -= whole;
	for (i = 0; i < whole; i++)
		out /= 2;
	for (i = 0; i < 52 && x > 0; i++) {
		root = sqrt(root);
		x *= 2;
		if (x >= 1) {
			x -= 1;
			out *= root;
		}
	}
	return out;
}

/* The classic way; parents stand before their children. */
static void
rank_alone(struct slurm_conf *f)
{
	struct share *h, *up, *root = f->shares;
	double part, used;
	int32_t i;

	root->norm = 1;
	for (i = 1; i < f->shares_len; i++) {
		h = &f->shares[i];
		up = &f->shares[h->parent];
		part = (double)h->shares / (double)MAX(up->below, 1);
		used = root->used > 0 ? h->used / root->used : 0;
		h->norm = up->norm * part;
		h->effective = h->parent == 0 ? used :
		    used + (up->effective - used) * part;
		h->factor = h->norm > 0 ? half_to(h->effective / h->norm /
		    (double)MAX(f->damp, 1)) : 0;
	}
}

void
slurm_share_rank(struct slurm_conf *f)
{
	int32_t i, users = 0;

	if (f->shares_len == 0)
		return;
	if (f->no_fair_tree) {
		rank_alone(f);
		return;
	}
	for (i = 1; i < f->shares_len; i++) {
		set_level(f, &f->shares[i]);
		users += f->shares[i].user != NULL;
	}
	rank_tree(f, users);
}
