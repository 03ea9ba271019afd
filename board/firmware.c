// SPDX-License-Identifier: MIT
/*
 * The board has no falcon, and nothing of these files is started: nouveau reads their headers
 * when it probes, and the graphics engine is initialized when a program asks for an object of it.
 *
 * Source of the formats: nouveau, include/nvfw/{fw,hs,flcn}.h and nvkm/engine/gr/gk20a.c.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "firmware.h"

#define IMAGE_MAGIC	0x10de
#define IMAGE_SIZE	0x800

/* Sizes and offsets are in bytes from the beginning of the file. */
struct image {
	uint32_t magic, version, size, header, data, data_size;
	uint32_t rest[(IMAGE_SIZE - 24) / 4];
};

#define IMAGE(at, size_of_data) { \
	.magic = IMAGE_MAGIC, .version = 1, .size = sizeof(struct image), .header = 0x20, \
	.data = at, .data_size = size_of_data, \
}

static void word(struct image *image, uint32_t offset, uint32_t value)
{
	memcpy((uint8_t *)image + offset, &value, sizeof(value));
}

static int put(const char *dir, const char *name, const void *data, size_t len)
{
	char path[4096];
	FILE *file;
	size_t n;

	if (snprintf(path, sizeof(path), "%s/%s.bin", dir, name) >= (int)sizeof(path)) {
		fprintf(stderr, "board: the name of %s/%s.bin is too long\n", dir, name);
		return -1;
	}
	file = fopen(path, "w");
	n = file ? fwrite(data, 1, len, file) : 0;
	if (!file || (fclose(file) | (n != len))) {
		fprintf(stderr, "board: %s cannot be written: %s\n", path, strerror(errno));
		return -1;
	}
	return 0;
}

/* A falcon's boot loader: a header that says how much code there is. */
static int boot_loader(const char *dir, const char *name)
{
	struct image image = IMAGE(0x100, 0x100);

	word(&image, 0x20 + 12, 0x100);
	return put(dir, name, &image, sizeof(image));
}

/* Code that is to run in secure mode: where its signatures, its patches and its parts are. */
static int secure(const char *dir, const char *name)
{
	static const uint32_t header[] = { 0x180, 16, 0x190, 16, 0x60, 0x64, 0x80, 0x20 };
	struct image image = IMAGE(0x200, 0x600);

	memcpy((uint8_t *)&image + 0x20, header, sizeof(header));
	word(&image, 0x60, 0x200);	/* where the signature goes, in the data segment */
	word(&image, 0x64, 0);
	word(&image, 0x80, 0);		/* code that is not secure */
	word(&image, 0x84, 0x100);
	word(&image, 0x88, 0x200);	/* data */
	word(&image, 0x8c, 0x400);	/* nouveau puts struct flcn_acr_desc there */
	word(&image, 0x90, 1);		/* one piece of secure code */
	word(&image, 0x94, 0x100);
	word(&image, 0x98, 0x100);
	return put(dir, name, &image, sizeof(image));
}

/* With all folders above it. */
static int make_dir(const char *dir, const char *sub)
{
	char path[4096];

	if (snprintf(path, sizeof(path), "%s/%s", dir, sub) >= (int)sizeof(path)) {
		fprintf(stderr, "board: the name of %s is too long\n", dir);
		return -1;
	}
	for (char *end = strchr(path + 1, '/'); ; end = strchr(end + 1, '/')) {
		if (end)
			*end = '\0';
		if (mkdir(path, 0755) && errno != EEXIST) {
			fprintf(stderr, "board: %s cannot be made: %s\n", path, strerror(errno));
			return -1;
		}
		if (!end)
			return 0;
		*end = '/';
	}
}

int firmware_make(const char *dir)
{
	static const char *const falcon[] = { "fecs", "gpccs" };
	static const uint8_t zeros[0x100];
	static const uint32_t register_list[] = { 0x404000, 0 }, context_list[] = { 0x404000, 0, 0 };
	static const uint32_t method_list[] = { 0xc097, 0 };
	int bad;

	if (make_dir(dir, "acr") || make_dir(dir, "gr"))
		return -1;
	bad = boot_loader(dir, "acr/bl") | secure(dir, "acr/ucode_load") |
	      secure(dir, "acr/ucode_unload") |
	      put(dir, "gr/sw_nonctx", register_list, sizeof(register_list)) |
	      put(dir, "gr/sw_ctx", context_list, sizeof(context_list)) |
	      put(dir, "gr/sw_bundle_init", register_list, sizeof(register_list)) |
	      put(dir, "gr/sw_method_init", method_list, sizeof(method_list));
	for (int i = 0; i < 2; i++) {
		static const struct { const char *what; size_t size; } part[] = {
			{ "inst", sizeof(zeros) }, { "data", sizeof(zeros) }, { "sig", 76 },
		};
		char name[32];

		snprintf(name, sizeof(name), "gr/%s_bl", falcon[i]);
		bad |= boot_loader(dir, name);
		for (int n = 0; n < 3; n++) {
			snprintf(name, sizeof(name), "gr/%s_%s", falcon[i], part[n].what);
			bad |= put(dir, name, zeros, part[n].size);
		}
	}
	return bad ? -1 : 0;
}
