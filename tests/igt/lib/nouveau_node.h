/* SPDX-License-Identifier: MIT */
/* Copyright © 2026 Seed b1df77d0 maintainers */
#ifndef NOUVEAU_NODE_H
#define NOUVEAU_NODE_H
/*
 * nouveau's render node, found by the driver's name: which numbers IGT has for drivers
 * depends on its version, and it has none for nouveau. In a tree of IGT --device chooses.
 */
#include <stddef.h>

/* Its path. 0; -ENODEV: there is none; or what opening it says. */
int nouveau_node_find(char *path, size_t size);
/* The same of the next one behind a node. */
int nouveau_node_next(const char *after, char *path, size_t size);
/* Its device's folder in sysfs. */
int nouveau_node_device(int fd, char *device, size_t size);
#endif
