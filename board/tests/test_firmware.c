// SPDX-License-Identifier: MIT
/*
 * The files for the guest's /lib/firmware/nvidia/gp100: their names are those that nouveau asks for
 * (nvkm/subdev/acr/gp100.c, nvkm/engine/gr/gp100.c), and their headers lead to what is there
 * (include/nvfw/fw.h, hs.h).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../firmware.h"

static char dir[64];

static const char *const names[] = {
	"acr/bl", "acr/ucode_load", "acr/ucode_unload",
	"gr/fecs_bl", "gr/fecs_inst", "gr/fecs_data", "gr/fecs_sig",
	"gr/gpccs_bl", "gr/gpccs_inst", "gr/gpccs_data", "gr/gpccs_sig",
	"gr/sw_ctx", "gr/sw_nonctx", "gr/sw_bundle_init", "gr/sw_method_init",
};

static int setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/test_firmware.XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static void path_of(char path[256], const char *name)
{
	snprintf(path, 256, "%s/fw/%s.bin", dir, name);
}

static int teardown(void **state)
{
	static const char *const dirs[] = { "fw/acr", "fw/gr", "fw", "" };
	char path[256];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		path_of(path, names[i]);
		remove(path);
	}
	for (size_t i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, dirs[i]);
		remove(path);
	}
	return access(dir, F_OK) ? 0 : -1;
}

static size_t read_file(const char *name, uint32_t *words, size_t size)
{
	char path[256];
	size_t n;
	FILE *file;

	path_of(path, name);
	file = fopen(path, "r");
	if (!file)
		fail_msg("%s is not there", path);
	n = fread(words, 1, size, file);
	fclose(file);
	return n;
}

static void files(void **state)
{
	char path[256];
	uint32_t words[1024];

	(void)state;
	snprintf(path, sizeof(path), "%s/fw", dir);
	assert_int_equal(firmware_make(path), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_true(read_file(names[i], words, sizeof(words)) > 0);
	/* Again, over what is there. */
	assert_int_equal(firmware_make(path), 0);
}

static void headers(void **state)
{
	static const char *const images[] = { "acr/bl", "acr/ucode_load", "acr/ucode_unload",
					      "gr/fecs_bl", "gr/gpccs_bl" };
	uint32_t words[1024];
	char path[256];

	(void)state;
	snprintf(path, sizeof(path), "%s/fw", dir);
	assert_int_equal(firmware_make(path), 0);
	for (size_t i = 0; i < 5; i++) {
		const size_t n = read_file(images[i], words, sizeof(words));

		/* magic, version, size, header's offset, data's offset and size */
		assert_int_equal(words[0], 0x10de);
		assert_int_equal(words[2], n);
		assert_true(words[3] >= 24 && words[3] < n && words[3] % 4 == 0);
		assert_true(words[4] + words[5] <= n);
	}
	/* Of a secure one: production signature's place and patches lie in the file. */
	for (size_t i = 1; i < 3; i++) {
		const size_t n = read_file(images[i], words, sizeof(words));
		const uint32_t *hs = words + words[3] / 4;

		for (int s = 0; s < 4; s += 2)
			assert_true(hs[s] + hs[s + 1] <= n);
		assert_true(hs[4] < n && hs[5] < n && hs[6] + hs[7] <= n);
		/* Where the signature is patched in, within the data. */
		assert_true(words[hs[4] / 4] < words[5]);
	}
}

static void no_directory(void **state)
{
	char path[256], *long_;

	(void)state;
	assert_int_equal(firmware_make("/dev/null/fw"), -1);
	/* A file in its place. */
	snprintf(path, sizeof(path), "%s/fw", dir);
	fclose(fopen(path, "w"));
	assert_int_equal(firmware_make(path), -1);
	remove(path);
	/* One in place of a file, which is the same as no permission, for root as well. */
	assert_int_equal(firmware_make(path), 0);
	path_of(path, "gr/sw_ctx");
	remove(path);
	assert_int_equal(mkdir(path, 0755), 0);
	snprintf(path, sizeof(path), "%s/fw", dir);
	assert_int_equal(firmware_make(path), -1);
	long_ = malloc(5000);
	assert_non_null(long_);
	memset(long_, '/', 4999);
	long_[4999] = '\0';
	assert_int_equal(firmware_make(long_), -1);
	free(long_);
}

static void disk_full(void **state)
{
	char path[256];

	(void)state;
	snprintf(path, sizeof(path), "%s/fw", dir);
	assert_int_equal(firmware_make(path), 0);
	path_of(path, "gr/fecs_sig");
	remove(path);
	assert_int_equal(symlink("/dev/full", path), 0);
	snprintf(path, sizeof(path), "%s/fw", dir);
	assert_int_equal(firmware_make(path), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(files, setup, teardown),
		cmocka_unit_test_setup_teardown(headers, setup, teardown),
		cmocka_unit_test_setup_teardown(no_directory, setup, teardown),
		cmocka_unit_test_setup_teardown(disk_full, setup, teardown),
	};

	return cmocka_run_group_tests_name("firmware", tests, NULL, NULL);
}
