// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
/* Attributes: Documentation/fault-injection/fault-injection.rst of the kernel. */
#include "inject.h"
#include "igt_decl.h"
#include "leave.h"
#include "write_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *kind;	/* whose attributes are changed, or NULL */

static struct attribute {
	const char *name, *value;
	bool pages_only;
	char before[64];
} attributes[] = {
	/* It is off while the others are changed: written first, and put back last. */
	{ .name = "probability", .value = "0" },
	{ .name = "interval", .value = "1" },
	{ .name = "times", .value = "1" },
	{ .name = "space", .value = "0" },
	{ .name = "verbose", .value = "0" },
	{ .name = "task-filter", .value = "N" },
	{ .name = "ignore-gfp-wait", .value = "N" },
	{ .name = "min-order", .value = "0", .pages_only = true },
	{ .name = "ignore-gfp-highmem", .value = "N", .pages_only = true },
	{ .name = "stacktrace-depth", .value = "32" },
	{ .name = "require-start" },
	{ .name = "require-end" },
};

enum { NR = sizeof(attributes) / sizeof(*attributes) };

static void path_of(const char *name, char *path, size_t size)
{
	snprintf(path, size, "/sys/kernel/debug/%s/%s", kind, name);
}

static int put(const char *name, const char *text)
{
	char path[128];

	path_of(name, path, sizeof(path));
	return write_text(path, text);
}

static int get(const char *name, char *text, size_t size)
{
	char path[128];

	path_of(name, path, sizeof(path));
	return read_text(path, text, size);
}

static void set(const char *name, const char *text)
{
	const int ret = put(name, text);

	igt_assert_f(!ret, "%s to %s of %s: %s\n", text, name, kind, strerror(-ret));
}

static bool is_ours(const struct attribute *a)
{
	return !a->pages_only || !strcmp(kind, "fail_page_alloc");
}

static void restore(void)
{
	unsigned int i;
	int ret;

	if (!kind)
		return;
	put("probability", "0");
	for (i = NR; i--; ) {
		struct attribute *a = &attributes[i];

		if (!is_ours(a) || !*a->before)
			continue;
		ret = put(a->name, a->before);
		if (ret)
			fprintf(stderr, "%s of %s stays changed, it was %s: %s\n", a->name, kind,
				a->before, strerror(-ret));
		*a->before = 0;
	}
	kind = NULL;
}

/* A function of nouveau's, and where the next one begins. */
static bool find_function(const char *name, unsigned long long *start, unsigned long long *end)
{
	FILE *file = fopen("/proc/kallsyms", "re");
	unsigned long long addr;
	char line[512], symbol[256], module[64];
	bool again = false;

	*start = 0;
	*end = -1ULL;
	igt_assert_f(file, "/proc/kallsyms: %s\n", strerror(errno));
	/* First where it is, then what is behind it: modules' symbols are in no order. */
	do {
		while (fgets(line, sizeof(line), file)) {
			if (sscanf(line, "%llx %*c %255s %63s", &addr, symbol, module) != 3 ||
			    strcmp(module, "[nouveau]"))
				continue;
			if (!again && !strcmp(symbol, name))
				*start = addr;
			else if (again && addr > *start && addr < *end)
				*end = addr;
		}
		rewind(file);
		again = !again;
	} while (again);
	fclose(file);
	return *start && *end != -1ULL;
}

void inject_prepare(const char *which, const char * const *functions)
{
	unsigned long long start = 0, end = 0;
	char path[128], text[32];
	unsigned int i;
	int ret;

	restore();
	snprintf(path, sizeof(path), "/sys/kernel/debug/%s/require-start", which);
	igt_require_f(!access(path, W_OK), "no %s: CONFIG_FAILSLAB, CONFIG_FAIL_PAGE_ALLOC, "
		      "CONFIG_FAULT_INJECTION_STACKTRACE_FILTER, debugfs and root\n", path);
	for (; *functions && !find_function(*functions, &start, &end); functions++)
		;
	igt_require_f(*functions, "nouveau is not a module, or its functions have other names\n");
	leave_with(restore);
	kind = which;
	for (i = 0; i < NR; i++) {
		struct attribute *a = &attributes[i];

		if (!is_ours(a))
			continue;
		ret = get(a->name, a->before, sizeof(a->before));
		igt_assert_f(!ret, "%s of %s: %s\n", a->name, kind, strerror(-ret));
		if (a->value)
			set(a->name, a->value);
	}
	snprintf(text, sizeof(text), "%#llx", start);
	set("require-start", text);
	snprintf(text, sizeof(text), "%#llx", end);
	set("require-end", text);
}

void inject_one_of(unsigned int nr)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", nr);
	set("interval", text);
	set("times", "1");
	set("probability", "100");
}

bool inject_end(void)
{
	char text[16];
	int ret;

	set("probability", "0");
	ret = get("times", text, sizeof(text));
	igt_assert_f(!ret, "times of %s: %s\n", kind, strerror(-ret));
	return !strcmp(text, "0");
}
