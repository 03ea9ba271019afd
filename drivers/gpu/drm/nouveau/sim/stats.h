/* SPDX-License-Identifier: MIT */
/* The counters, for whoever defines NVSIM_STAT(); included as often as needed. */
NVSIM_STAT(faults_read);
NVSIM_STAT(faults_write);
NVSIM_STAT(faults_atomic);
NVSIM_STAT(faults_prefetch);
NVSIM_STAT(faults_fatal);
NVSIM_STAT(faults_put_off);
NVSIM_STAT(replays);
NVSIM_STAT(replays_dropped);
NVSIM_STAT(cancels);
NVSIM_STAT(cancels_missed);
NVSIM_STAT(flushes);
NVSIM_STAT(tlb_hits);
NVSIM_STAT(tlb_misses);
NVSIM_STAT(stale_accesses);
NVSIM_STAT(bad_tables);
NVSIM_STAT(gpfifo_entries);
NVSIM_STAT(methods);
NVSIM_STAT(semaphores);
NVSIM_STAT(non_stall_interrupts);
NVSIM_STAT(copies);
NVSIM_STAT(copied_bytes);
NVSIM_STAT(channels_killed);
