// SPDX-License-Identifier: MIT
/*
 * PTIMER: nanoseconds, of which the lowest five bits are 0, and an alarm. Drivers measure their
 * time-outs with it, so it can stand: while a test holds a flush, the driver's patience does not
 * run out. It creeps on then, by the least step a read, since a timer that shows the same time
 * over and over is taken for dead.
 *
 * Sources: dev_timer.h of open-gpu-kernel-modules (published/maxwell/gm107, gm200); the alarm:
 * manuals/volta/gv100/dev_timer.ref.txt of open-gpu-doc.
 */
#include "pri.h"

#define STEP	32
#define INTR_ALARM	1

void timer_reset(struct pri_timer *timer)
{
	*timer = (struct pri_timer) { .numerator = 8, .denominator = 8 };
}

uint64_t timer_time(const struct pri_timer *timer, uint64_t now)
{
	return ((timer->stands ? timer->stood : now) + timer->offset) & ~(STEP - 1ULL);
}

bool timer_read(struct pri_timer *timer, uint32_t addr, uint64_t now, uint32_t *value)
{
	switch (addr) {
	case 0x009100: *value = timer->intr; return true;
	case 0x009140: *value = timer->mask; return true;
	case 0x009200: *value = timer->numerator; return true;
	case 0x009210: *value = timer->denominator; return true;
	case 0x009400:
		if (timer->stands)
			timer->stood += STEP;
		*value = timer_time(timer, now);
		return true;
	case 0x009410: *value = timer_time(timer, now) >> 32; return true;
	case 0x009420: *value = timer->alarm; return true;
	}
	return false;
}

/* The next time that the lower half is the alarm's. */
static void set_due(struct pri_timer *timer, uint64_t now)
{
	const uint64_t t = timer_time(timer, now);

	timer->due = t + (uint32_t)(timer->alarm - (uint32_t)t);
}

bool timer_write(struct pri_timer *timer, uint32_t addr, uint32_t value, uint64_t now)
{
	const uint64_t t = timer_time(timer, now);

	switch (addr) {
	case 0x009100:
		timer->intr &= ~value;
		return true;
	case 0x009140:
		timer->mask = value;
		return true;
	case 0x009200:
		timer->numerator = value;
		return true;
	case 0x009210:
		timer->denominator = value;
		return true;
	case 0x009400:
		timer->offset += ((t & ~0xffffffffULL) | value) - t;
		set_due(timer, now);
		return true;
	case 0x009410:
		timer->offset += ((uint64_t)value << 32 | (uint32_t)t) - t;
		set_due(timer, now);
		return true;
	case 0x009420:
		timer->alarm = value;
		timer->alarm_set = true;
		set_due(timer, now);
		return true;
	}
	return false;
}

void timer_stand(struct pri_timer *timer, bool stands, uint64_t now)
{
	if (timer->stands == stands)
		return;
	timer->stands = stands;
	if (stands)
		timer->stood = now;
	else	/* It goes on from where it is, never back. */
		timer->offset -= now - timer->stood;
}

int64_t timer_alarm(struct pri_timer *timer, uint64_t now)
{
	const uint64_t t = timer_time(timer, now);

	if (!timer->alarm_set)
		return -1;
	if (t < timer->due)
		return timer->due - t;
	timer->alarm_set = false;
	timer->intr |= INTR_ALARM;
	return 0;
}
