// SPDX-License-Identifier: MIT
// Copyright © 2026 Seed b1df77d0 maintainers
#if __has_include(<CL/cl.h>)
#include "opencl_device.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct opencl cl;

/* Mesa's nouveau names a device by its chipset: NV134. Those that begin like this have
 * replayable faults, and nouveau's SVM is for no later ones.
 */
#define PASCAL "NV13"

enum { MAX_PLATFORMS = 16, MAX_DEVICES = 32 };

int opencl_fail(int ret, struct opencl_why *why, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(why->text, sizeof(why->text), fmt, args);
	va_end(args);
	return ret;
}

int opencl_errno(cl_int err)
{
	switch (err) {
	case CL_SUCCESS:
		return 0;
	case CL_OUT_OF_HOST_MEMORY:
	case CL_OUT_OF_RESOURCES:
	case CL_MEM_OBJECT_ALLOCATION_FAILURE:
		return -ENOMEM;
	default:
		return -EPROTO;
	}
}

static int load(struct opencl_why *why)
{
	void *lib = dlopen("libOpenCL.so.1", RTLD_NOW | RTLD_LOCAL);
	const char *missing = NULL;

	if (!lib)
		return opencl_fail(-ENODEV, why, "OpenCL cannot be loaded: %s", dlerror());
#define LOAD(name)							\
	cl.name = (__typeof__(cl.name))dlsym(lib, "cl" #name);		\
	if (!cl.name)							\
		missing = "cl" #name;
	OPENCL_FUNCTIONS(LOAD)
#undef LOAD
	if (missing)
		return opencl_fail(-ENODEV, why, "libOpenCL.so.1 has no %s(): it is older than "
				   "OpenCL 2.0", missing);
	return 0;
}

/* Is it called like that, and does it reach all memory? 0, -ENODEV: it is not, -ENOSYS: not. */
static int examine(cl_device_id device, const char *wanted, struct opencl_why *why)
{
	cl_device_svm_capabilities svm = 0;
	char name[256] = "";
	cl_int err = cl.GetDeviceInfo(device, CL_DEVICE_NAME, sizeof(name), name, NULL);

	if (err)
		return opencl_fail(opencl_errno(err), why, "clGetDeviceInfo: error %d", err);
	if (strncmp(name, wanted, strlen(wanted)))
		return -ENODEV;
	/* A device of OpenCL 1 does not know the question. */
	err = cl.GetDeviceInfo(device, CL_DEVICE_SVM_CAPABILITIES, sizeof(svm), &svm, NULL);
	if (err || !(svm & CL_DEVICE_SVM_FINE_GRAIN_SYSTEM))
		return opencl_fail(-ENOSYS, why, "the OpenCL device %s has no fine-grain system "
				   "SVM; of Mesa's nouveau, NOUVEAU_SVM=1 has to be in the "
				   "environment", name);
	return 0;
}

/* What the name of the device begins with. */
static const char *wanted_name(void)
{
	const char *wanted = getenv("SVM_OPENCL_DEVICE");

	return wanted && *wanted ? wanted : PASCAL;
}

bool opencl_is_nouveau(void)
{
	/* NV134, not NVIDIA's names. */
	return !strncmp(wanted_name(), PASCAL, 4);
}

int opencl_find(cl_device_id *device, struct opencl_why *why)
{
	const char *wanted = wanted_name();
	cl_platform_id platform[MAX_PLATFORMS];
	cl_device_id list[MAX_DEVICES];
	cl_uint platforms = 0, devices, i, j;
	int found = -ENODEV, ret = load(why);

	if (ret)
		return ret;
	/* Without any platform it is an error, which says the same as none. */
	cl.GetPlatformIDs(MAX_PLATFORMS, platform, &platforms);
	for (i = 0; i < platforms && i < MAX_PLATFORMS; i++) {
		devices = 0;
		cl.GetDeviceIDs(platform[i], CL_DEVICE_TYPE_ALL, MAX_DEVICES, list, &devices);
		for (j = 0; j < devices && j < MAX_DEVICES; j++) {
			*device = list[j];
			ret = examine(list[j], wanted, why);
			if (!ret || (ret != -ENODEV && ret != -ENOSYS))
				return ret;
			if (ret == -ENOSYS)
				found = -ENOSYS;
		}
	}
	if (found == -ENOSYS)
		return -ENODEV;
	return opencl_fail(-ENODEV, why, "none of the devices of %u OpenCL platforms has a name "
			   "that begins with %s%s", platforms, wanted, strcmp(wanted, PASCAL) ? "" :
			   "; for a Pascal board: Mesa's rusticl, and RUSTICL_ENABLE=nouveau "
			   "NOUVEAU_SVM=1 in the environment");
}
#endif
