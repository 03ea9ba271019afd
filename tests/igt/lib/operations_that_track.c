// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
/* Who tracks what a process does in its memory: the kernel's marks, and userfaultfd. */
#include "dmesg_patterns.h"
#include "igt_decl.h"
#include "operation.h"
#include "pagemap.h"
#include "userfault.h"
#include "write_file.h"

#include <sys/mman.h>
#include <unistd.h>

static void clear_soft_dirty(void)
{
	const int ret = write_text("/proc/self/clear_refs", "4");

	igt_assert_f(!ret, "clear_refs: %s\n", strerror(-ret));
}

static bool is_soft_dirty(const void *p)
{
	const int count = pagemap_count(p, 1, PAGEMAP_SOFT_DIRTY);

	igt_assert_f(count >= 0, "pagemap: %s\n", strerror(-count));
	return count;
}

static void require_soft_dirty(void)
{
	volatile uint8_t *p = mmap(NULL, MODEL_PAGE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool works;

	MUST(p != MAP_FAILED);
	*p = 1;
	if (access("/proc/self/clear_refs", W_OK)) {
		igt_skip("no /proc/self/clear_refs: CONFIG_PROC_PAGE_MONITOR\n");
	} else {
		clear_soft_dirty();
		works = !is_soft_dirty((void *)p);
		*p = 2;
		works &= is_soft_dirty((void *)p);
	}
	munmap((void *)p, MODEL_PAGE);
	igt_require_f(works, "writes are not tracked: CONFIG_MEM_SOFT_DIRTY\n");
}

static void act_soft_dirty(struct scene *s)
{
	(void)s;
	clear_soft_dirty();
}

static void check_soft_dirty(struct scene *s, bool idle)
{
	static bool written[MODEL_PAGES];
	unsigned int i, nr_written = 0;

	for (i = 0; i < s->model.pages; i++) {
		written[i] = model_written_since(&s->model, i);
		nr_written += written[i];
	}
	igt_assert_f(nr_written == s->model.pages || !idle, "%u pages were written\n", nr_written);
	for (i = 0; i < s->model.pages; i++)
		igt_assert_f(!written[i] || is_soft_dirty(s->memory + i * MODEL_PAGE),
			     "page %u: nobody is told that the device has written it\n", i);
}

/* Faults that the process answers. */

static struct userfault userfault;
static bool userfault_on;

static void begin_userfault(struct scene *s, enum userfault_mode mode)
{
	const int ret = userfault_begin(&userfault, mode, s->part, s->part_size);

	igt_require_f(ret != -ENOSYS, "no userfaultfd: CONFIG_USERFAULTFD\n");
	igt_require_f(ret != -EPERM, "userfaultfd is root's, see vm.unprivileged_userfaultfd\n");
	igt_require_f(ret != -EOPNOTSUPP, "not this mode of userfaultfd\n");
	igt_assert_f(!ret, "userfaultfd: %s\n", strerror(-ret));
	userfault_on = true;
}

static void prepare_userfault_missing(struct scene *s)
{
	begin_userfault(s, USERFAULT_MISSING);
}

static void prepare_userfault_wp(struct scene *s)
{
	begin_userfault(s, USERFAULT_WP);
}

static void act_userfault_wp(struct scene *s)
{
	const int ret = userfault_protect(&userfault, s->part, s->part_size);

	igt_assert_f(!ret, "UFFDIO_WRITEPROTECT: %s\n", strerror(-ret));
}

/*
 * An access of the device for which the kernel has to ask the process. Either it is refused and
 * changes nothing, or the process was asked.
 */
static void access_answered(struct scene *s, bool write, bool asked)
{
	const unsigned int first = s->model.first, nr = s->model.nr;
	const unsigned int answered = userfault.answered;
	const int ret = write ? scene_try_write(s, first, nr) : scene_try_read(s, first, nr);

	igt_assert_f(!ret || ret == -EIO, "a %s: %s\n", write ? "write" : "read", strerror(-ret));
	igt_assert_f(ret || !asked || userfault.answered != answered,
		     "a %s was done, and the process was not asked\n", write ? "write" : "read");
	igt_debug("a %s of the device was %s\n", write ? "write" : "read",
		  ret ? "refused" : "done");
}

/* The CPU gets the pages that the device was refused. */
static void settle_userfault(struct scene *s)
{
	unsigned int i;

	for (i = 0; i < s->model.nr; i++)
		(void)*(volatile uint8_t *)(s->part + i * MODEL_PAGE);
	scene_write_cpu(s, s->model.first, s->model.nr);
}

static void settle_userfault_missing(struct scene *s)
{
	/* Pages that the storm has accessed may be there already. */
	access_answered(s, false, false);
	access_answered(s, true, false);
	settle_userfault(s);
}

static void settle_userfault_wp(struct scene *s)
{
	const int ret = userfault_protect(&userfault, s->part, s->part_size);

	igt_assert_f(!ret, "UFFDIO_WRITEPROTECT: %s\n", strerror(-ret));
	access_answered(s, false, false);
	access_answered(s, true, true);
	settle_userfault(s);
}

static void finish_userfault(struct scene *s)
{
	int ret;

	(void)s;
	userfault_on = false;
	ret = userfault_end(&userfault);
	igt_info("%u faults were answered\n", userfault.answered);
	igt_assert_f(userfault.answered, "no fault was answered\n");
	igt_assert_f(!ret, "userfaultfd: %s\n", strerror(-ret));
}

static void abandon_userfault(void)
{
	if (userfault_on)
		userfault_end(&userfault);
	userfault_on = false;
}

const struct operation operations_that_track[] = {
	{ "soft-dirty", "What the device writes is seen by who tracks writes", {}, ACCESS_WRITE,
	  ACCESS_WRITE, .host_only = "no writes to device memory are tracked",
	  .require = require_soft_dirty, .act = act_soft_dirty, .check = check_soft_dirty },
	{ "userfault-missing", "A part is dropped whose faults the process itself answers",
	  { .effect = MODEL_DROPS }, ACCESS_WRITE, ACCESS_WRITE,
	  .prepare = prepare_userfault_missing, .act = act_dontneed,
	  .dmesg = USERFAULT_DMESG "|" NOUVEAU_DEAD_QUEUE_DMESG,
	  .settle = settle_userfault_missing, .finish = finish_userfault,
	  .abandon = abandon_userfault },
	{ "userfault-wp", "A part is write-protected by userfaultfd", {}, ACCESS_WRITE,
	  ACCESS_WRITE, .prepare = prepare_userfault_wp, .act = act_userfault_wp,
	  .dmesg = USERFAULT_DMESG "|" NOUVEAU_DEAD_QUEUE_DMESG,
	  .settle = settle_userfault_wp, .finish = finish_userfault,
	  .abandon = abandon_userfault },
	{}
};
