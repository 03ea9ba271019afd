// SPDX-License-Identifier: MIT
#include "svm_require.h"
#include "igt_decl.h"
#include "svm_gpu.h"

#include <errno.h>
#include <string.h>

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
