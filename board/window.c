// SPDX-License-Identifier: MIT
/* The CPU's windows. Their translations are walked each time: a BAR has no TLB worth modelling. */
#include <string.h>

#include "window.h"

bool window_bind(struct window *window, struct memory *memory, bool bound, uint64_t inst)
{
	*window = (struct window) { .bound = bound };
	return !bound || vmm_space_read(memory, inst, &window->space);
}

bool window_access(const struct window *window, struct access *access, uint64_t offset,
		   bool write, void *buf, uint64_t len, enum fault_reason *reason)
{
	uint8_t *bytes = buf;

	if (!window->bound) {
		if (access_physical(access, VRAM, offset, write, buf, len))
			return true;
		*reason = FAULT_APERTURE;
		if (!write)
			memset(buf, 0xff, len);
		return false;
	}
	while (len) {
		struct vmm_walk_count count = {};
		struct vmm_page page;
		uint64_t n = PAGE_SIZE - (offset & ~PAGE_MASK);

		if (n > len)
			n = len;
		if (!vmm_walk(&access->memory, &window->space, offset, &page, reason, &count) ||
		    (write && page.ro && (*reason = FAULT_RO))) {
			if (!write)
				memset(bytes, 0xff, len);
			return false;
		}
		if (page.sparse && !write)
			memset(bytes, 0, n);
		else if (!page.sparse)
			access_physical(access, page.aperture,
					page.addr + (offset & ((1ULL << page.shift) - 1)), write,
					bytes, n);
		offset += n;
		bytes += n;
		len -= n;
	}
	return true;
}
