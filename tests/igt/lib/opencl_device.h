/* SPDX-License-Identifier: MIT */
/* Copyright © 2026 Seed b1df77d0 maintainers */
#ifndef OPENCL_DEVICE_H
#define OPENCL_DEVICE_H
/*
 * OpenCL's library, loaded when it is asked for, so that a program runs without it; and
 * the device in it that reaches all of a process's memory.
 */
#define CL_TARGET_OPENCL_VERSION 200
#include <CL/cl.h>
#include <stdbool.h>

/* What is used of it: cl.CreateKernel is clCreateKernel(). */
#define OPENCL_FUNCTIONS(f)						\
	f(BuildProgram) f(CreateCommandQueueWithProperties) f(CreateContext)	\
	f(CreateKernel) f(CreateProgramWithSource) f(EnqueueNDRangeKernel)	\
	f(Flush) f(GetDeviceIDs) f(GetDeviceInfo) f(GetPlatformIDs)	\
	f(GetProgramBuildInfo) f(ReleaseCommandQueue) f(ReleaseContext)	\
	f(ReleaseEvent) f(ReleaseKernel) f(ReleaseProgram)		\
	f(SetEventCallback) f(SetKernelArg) f(SetKernelArgSVMPointer)

struct opencl {
#define OPENCL_MEMBER(name) __typeof__(cl ## name) *name;
	OPENCL_FUNCTIONS(OPENCL_MEMBER)
#undef OPENCL_MEMBER
};

extern struct opencl cl;

/* Why there is no device. */
struct opencl_why {
	char text[512];
};

/*
 * Load the library, and find a device with fine-grain system SVM whose name begins with
 * what SVM_OPENCL_DEVICE says, or else with what Mesa's nouveau calls a Pascal. 0; -ENODEV:
 * there is none; or another -errno.
 */
int opencl_find(cl_device_id *device, struct opencl_why *why);
/* Does nouveau drive the device that is asked for? By its name. */
bool opencl_is_nouveau(void);
/* Write why, and return ret. */
__attribute__((format(printf, 3, 4)))
int opencl_fail(int ret, struct opencl_why *why, const char *fmt, ...);
int opencl_errno(cl_int err);
#endif
