/* SPDX-License-Identifier: MIT */
#ifndef NOUVEAU_NODE_H
#define NOUVEAU_NODE_H
/*
 * nouveau's render node, found by the driver's name: which numbers IGT has for drivers
 * depends on its version, and it has none for nouveau.
 */
#include <stddef.h>
#include <stdint.h>

/* Its path. 0; -ENODEV: there is none; or what opening it says. */
int nouveau_node_find(char *path, size_t size);
/* The same of the next one behind a node. */
int nouveau_node_next(const char *after, char *path, size_t size);
/* Its device's folder in sysfs, whose name is that of its folder in debugfs, where it has one. */
int nouveau_node_device(int fd, char *device, size_t size);
/* A counter of the software GPU's. 0; -ENOENT: it is not one, or there is no such counter. */
int nouveau_node_stat(const char *device, const char *counter, uint64_t *value);
#endif
