// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
#include "svm_require.h"
#include "igt_decl.h"
#include "svm_gpu.h"
#include "write_file.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

struct svm_gpu *svm_require_gpu(void)
{
	struct svm_gpu *gpu;
	const char *why;
	const int ret = svm_gpu_open(&gpu, &why);

	igt_require_f(ret != -ENODEV, "%s\n", why);
	igt_assert_f(!ret, "%s: %s\n", why, strerror(-ret));
	igt_info("Back end %s\n", svm_gpu_backend(gpu));
	return gpu;
}

#define THP "/sys/kernel/mm/transparent_hugepage/enabled"

void require_thp(void)
{
	char text[64];

	igt_require_f(!read_text(THP, text, sizeof(text)),
		      "no " THP ": CONFIG_TRANSPARENT_HUGEPAGE\n");
	igt_require_f(!strstr(text, "[never]"), "huge pages are switched off, see " THP "\n");
}

void require_fuse(void)
{
	igt_require_f(!access("/dev/fuse", R_OK | W_OK), "no /dev/fuse: CONFIG_FUSE_FS\n");
}
