// SPDX-License-Identifier: MIT
/* seeds DIR FUZZER: inputs that are right, for a fuzzer to begin with. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const char *dir;
static int written, failed;

static void seed(const void *data, size_t len)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/seed-%d", dir, written++);
	file = fopen(path, "w");
	if (!file || fwrite(data, 1, len, file) != len || fclose(file)) {
		fprintf(stderr, "error: %s cannot be written: %s\n", path, strerror(errno));
		failed = 1;
	}
}

/* One GPFIFO entry, and its pushbuffer. */
static void push(uint8_t flags, const uint32_t *words, unsigned int nr)
{
	struct {
		uint8_t flags, entries;
		uint32_t entry[2], words[64];
	} __attribute__((packed)) input = { .flags = flags, .entries = 1,
					    .entry = { 0, nr << 10 } };

	memcpy(input.words, words, nr * 4);
	seed(&input, 10 + nr * 4);
}

static void push_seeds(void)
{
	static const struct {
		uint32_t nr, words[20];
	} right[] = {
		/* a copy in lines, within what is mapped, and to where nothing is yet */
		{ 13, { 0x20018000, 0xc0b5, 0x20088100, 0x7f12, 0x34400000, 0x7f12, 0x34404000,
			0x100, 0x100, 0x100, 4, 0x200180c0, 0x382 } },
		{ 13, { 0x20018000, 0xc0b5, 0x20088100, 0x7f12, 0x34400000, 0x7f12, 0x34408000,
			0, 0, 0x3000, 1, 0x200180c0, 0x182 } },
		/* components remapped */
		{ 14, { 0x20018000, 0xc0b5, 0x200381c0, 1, 2, 0x01030054, 0x20028102, 0x7f12,
			0x34400000, 0x20028106, 64, 1, 0x200180c0, 0x582 } },
		{ 18, { 0x20018000, 0xc0b5, 0x200181c2, 0x03333210, 0x20048100, 0x7f12, 0x34400008,
			0x7f12, 0x34404ff8, 0x20028106, 9, 1, 0x200180c0, 0x582, 0x200181c2,
			0x01112046, 0x200180c0, 0x582 } },
		/* the copy engine's semaphore: four words; a reduction */
		{ 8, { 0x20018000, 0xc0b5, 0x20038090, 0x7f12, 0x34407ff0, 7, 0x200180c0, 0x50 } },
		{ 8, { 0x20018000, 0xc0b5, 0x20038090, 0x7f12, 0x34407ff0, 7, 0x200180c0, 0x94008 } },
		/* host's: release, acquire, reduction, interrupt; each header */
		{ 7, { 0x20040004, 0, 0x201000, 1, 0x00000002, 0x20010008, 0 } },
		{ 9, { 0x20040004, 0, 0x201000, 0, 0x00000004, 0xa0030004, 1, 2, 3 } },
		{ 7, { 0x20040004, 0, 0x201000, 5, 0x28000010, 0x80550006, 0 } },
		{ 8, { 0x60020006, 1, 2, 0x00080014, 1, 2, 0xe0000000, 0 } },
	};

	for (unsigned int i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
		push(4, right[i].words, right[i].nr);
		push(12 | 2, right[i].words, right[i].nr);
	}
}

/* A script: operations and what follows them, see step() in fuzz_mmio.c. */
static void mmio_seeds(void)
{
	/* 0x100cbc is register 55, 0x1714 is 10, 0x2a70 is 32. */
	static const uint8_t flushes[] = {
		0, 0, 54, 0, 0x01, 0, 0, 0, 55, 0x01, 0, 0, 0x80, 3, 55, 0x3c,
		0, 55, 0x0b, 0, 0, 0x80, 0xfc,
	};
	static const uint8_t bars[] = {
		1, 0, 10, 0x50, 0, 0, 0x80, 0x38, 1, 2, 3, 4, 0x08, 0, 0, 0, 0x39, 0x08, 0, 0, 0,
		0, 10, 0, 0, 0, 0, 0x1e, 3, 0, 0x64, 0, 0, 0, 0, 0, 0x1e, 0, 0, 0x64, 0, 0, 0, 0, 0,
	};
	static const uint8_t tables[] = {
		0, 10, 0x20, 0, 0x12, 0, 0, 0, 0, 0, 0, 0, 0xfc, 13, 0x01, 0, 0x10, 0, 0, 0xfc,
		13, 0, 0, 0x10, 0x36, 4, 0, 0, 0, 0x8c, 0x06, 0, 0, 0xfc,
	};
	static const uint8_t control[] = {
		1, 15, 0, 0x40, 3, 0, 0, 0, 15, 8, 0x40, 0, 0, 0x40, 0x34, 15, 12, 0x40, 0x12, 0x7f,
		0, 0, 15, 0x60, 0, 1, 0, 0, 0, 0xfc, 15, 0, 0x30, 1, 0, 0, 0, 15, 0x78, 0, 1, 0, 0, 0,
	};

	seed(flushes, sizeof(flushes));
	seed(bars, sizeof(bars));
	seed(tables, sizeof(tables));
	seed(control, sizeof(control));
}

/* One message after VERSION. */
static void message(uint8_t flags, uint16_t command, const void *data, uint32_t len)
{
	struct {
		uint8_t flags;
		uint16_t id, command;
		uint32_t size, message_flags, error;
		uint8_t data[64];
	} __attribute__((packed)) input = { flags, 1, command, 16 + len, 0, 0, {} };

	memcpy(input.data, data, len);
	seed(&input, 17 + len);
}

static void vfio_seeds(void)
{
	static const struct { uint32_t argsz, flags; uint64_t offset, iova, size; } map =
		{ 32, 3, 0, 0x1000, 0x1000 };
	static const struct { uint32_t argsz, flags; uint64_t iova, size; } unmap =
		{ 24, 0, 0x1000, 0x1000 };
	static const uint32_t device[4] = { 16 }, region[8] = { 32, 0, 1 }, irq[4] = { 16, 0, 1 },
			      irqs[5] = { 20, 0x24, 1, 0, 1 }, reads[4] = { 0xff8, 0, 7, 4 },
			      writes[5] = { 0xff8, 0, 7, 4, 0x55 };

	message(1 | 2, 2, &map, 32);
	message(1, 2, &map, 32);
	message(1, 3, &unmap, 24);
	message(1, 4, device, 16);
	message(1, 5, region, 32);
	message(1, 7, irq, 16);
	message(1 | 2, 8, irqs, 20);
	message(1, 9, reads, 16);
	message(1 | 4, 10, writes, 20);
	message(1, 13, "", 0);
	message(0, 1, "\0\0\0\0{}", 7);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: seeds DIR FUZZER\n");
		return 2;
	}
	dir = argv[1];
	if (!strcmp(argv[2], "fuzz_push"))
		push_seeds();
	else if (!strcmp(argv[2], "fuzz_mmio"))
		mmio_seeds();
	else if (!strcmp(argv[2], "fuzz_vfio"))
		vfio_seeds();
	return failed;
}
