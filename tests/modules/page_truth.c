// SPDX-License-Identifier: GPL-2.0
/*
 * What a page is, by the kernel's own helpers, for a test that compares this with what somebody
 * says who looks at struct page from outside. And the means to give a page that has just
 * been freed to the slab allocator, to a driver, or to the kernel. For 5.3 and later.
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/version.h>

#include "page_truth_uapi.h"

/* As many allocations does TAKE try. */
#define TAKE_MAX	512
/* Sixteen to a page, so that a new page is had soon. */
#define OBJECT_SIZE	256

/**
 * struct page_truth - an open file
 * @lock: protects what follows
 * @pages: pages that TAKE has
 * @objects: objects of the slab cache that TAKE has
 * @nr_pages: how many
 * @nr_objects: how many
 * @block: what BLOCK has, or NULL
 * @order: its order
 * @pinned: what PIN has, or NULL
 */
struct page_truth {
	struct mutex lock;
	struct page *pages[TAKE_MAX];
	void *objects[TAKE_MAX];
	unsigned int nr_pages, nr_objects;
	struct page *block;
	unsigned int order;
	struct page *pinned;
};

static struct kmem_cache *cache;

/* With a constructor, a cache is not merged with others. */
static void object_ctor(void *object)
{
	memset(object, 0x5a, OBJECT_SIZE);
}

static long truth_look(unsigned long arg)
{
	struct page_truth_look look;
	struct page *page, *head;

	if (copy_from_user(&look, (void __user *)arg, sizeof(look)))
		return -EFAULT;
	if (!pfn_valid(look.pfn))
		return -ENXIO;
	page = pfn_to_page(look.pfn);
	head = compound_head(page);
	look.flags = PageBuddy(page) ? PAGE_TRUTH_BUDDY : 0;
	if (PageSlab(head))
		look.flags |= PAGE_TRUTH_SLAB;
	if (PageTable(head))
		look.flags |= PAGE_TRUTH_TABLE;
	if (PageCompound(page))
		look.flags |= PAGE_TRUTH_LARGE;
	if (PageHuge(head))
		look.flags |= PAGE_TRUTH_HUGETLB;
	if (PageReserved(head))
		look.flags |= PAGE_TRUTH_RESERVED;
	look.refcount = page_count(head);
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 1, 0)
	{
		struct folio *folio = page_folio(page);

		look.mapping = (unsigned long)folio->mapping;
		look.index = folio->index;
		if (look.mapping && folio_test_anon(folio))
			look.flags |= PAGE_TRUTH_ANON;
		if (look.mapping && folio_test_ksm(folio))
			look.flags |= PAGE_TRUTH_KSM;
		/* The count shares its word with the page types. */
		if (!(look.flags & (PAGE_TRUTH_BUDDY | PAGE_TRUTH_SLAB | PAGE_TRUTH_TABLE)) &&
		    folio_mapped(folio))
			look.flags |= PAGE_TRUTH_MAPPED;
	}
#else
	look.mapping = (unsigned long)head->mapping;
	look.index = head->index;
	if (PageAnon(head))
		look.flags |= PAGE_TRUTH_ANON;
	if (PageKsm(head))
		look.flags |= PAGE_TRUTH_KSM;
	if (!(look.flags & (PAGE_TRUTH_BUDDY | PAGE_TRUTH_SLAB | PAGE_TRUTH_TABLE)) &&
	    page_mapped(page))
		look.flags |= PAGE_TRUTH_MAPPED;
#endif
	if (copy_to_user((void __user *)arg, &look, sizeof(look)))
		return -EFAULT;
	return 0;
}

static void drop_pages(struct page_truth *truth)
{
	while (truth->nr_pages)
		__free_page(truth->pages[--truth->nr_pages]);
}

static void drop_objects(struct page_truth *truth)
{
	while (truth->nr_objects)
		kmem_cache_free(cache, truth->objects[--truth->nr_objects]);
}

static void truth_drop(struct page_truth *truth)
{
	drop_pages(truth);
	drop_objects(truth);
	if (truth->block)
		__free_pages(truth->block, truth->order);
	truth->block = NULL;
	if (truth->pinned)
		put_page(truth->pinned);
	truth->pinned = NULL;
}

static long take_object(struct page_truth *truth, struct page *page)
{
	drop_objects(truth);
	while (truth->nr_objects < TAKE_MAX) {
		void *object = kmem_cache_alloc(cache, GFP_KERNEL);

		if (!object)
			return -ENOMEM;
		truth->objects[truth->nr_objects++] = object;
		if (compound_head(virt_to_page(object)) == compound_head(page))
			return 0;
	}
	drop_objects(truth);
	return -ENOENT;
}

static long take_page(struct page_truth *truth, struct page *page, gfp_t gfp)
{
	drop_pages(truth);
	while (truth->nr_pages < TAKE_MAX) {
		struct page *got = alloc_page(gfp | __GFP_NOWARN);

		if (!got)
			return -ENOMEM;
		truth->pages[truth->nr_pages++] = got;
		if (got == page) {
			/* It must be told from the zero page. */
			memset(page_address(got), 0x5a, PAGE_SIZE);
			return 0;
		}
	}
	drop_pages(truth);
	return -ENOENT;
}

static long truth_take(struct page_truth *truth, unsigned long arg)
{
	struct page_truth_take take;
	struct page *page;

	if (copy_from_user(&take, (void __user *)arg, sizeof(take)))
		return -EFAULT;
	if (!pfn_valid(take.pfn) || take.reserved)
		return -EINVAL;
	page = pfn_to_page(take.pfn);
	switch (take.what) {
	case PAGE_TRUTH_FOR_SLAB:
		return take_object(truth, page);
	case PAGE_TRUTH_FOR_KERNEL:
		return take_page(truth, page, GFP_KERNEL);
	case PAGE_TRUTH_FOR_CACHE:
		return take_page(truth, page, GFP_HIGHUSER_MOVABLE);
	default:
		return -EINVAL;
	}
}

static long truth_block(struct page_truth *truth, unsigned long arg)
{
	struct page_truth_block block;
	gfp_t gfp = GFP_KERNEL | __GFP_NOWARN | __GFP_ZERO;

	if (copy_from_user(&block, (void __user *)arg, sizeof(block)))
		return -EFAULT;
	if (block.order > 9 || block.compound > 1)
		return -EINVAL;
	if (truth->block)
		return -EBUSY;
	if (block.compound)
		gfp |= __GFP_COMP;
	truth->block = alloc_pages(gfp, block.order);
	if (!truth->block)
		return -ENOMEM;
	truth->order = block.order;
	block.pfn = page_to_pfn(truth->block);
	if (copy_to_user((void __user *)arg, &block, sizeof(block)))
		return -EFAULT;
	return 0;
}

static long truth_pin(struct page_truth *truth, unsigned long addr)
{
	int got;

	if (truth->pinned)
		return -EBUSY;
	got = get_user_pages_fast(addr, 1, FOLL_WRITE, &truth->pinned);
	if (got == 1)
		return 0;
	truth->pinned = NULL;
	return got < 0 ? got : -EFAULT;
}

static long truth_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct page_truth *truth = file->private_data;
	long ret = 0;

	mutex_lock(&truth->lock);
	switch (cmd) {
	case PAGE_TRUTH_LOOK:
		ret = truth_look(arg);
		break;
	case PAGE_TRUTH_TAKE:
		ret = truth_take(truth, arg);
		break;
	case PAGE_TRUTH_BLOCK:
		ret = truth_block(truth, arg);
		break;
	case PAGE_TRUTH_PIN:
		ret = truth_pin(truth, arg);
		break;
	case PAGE_TRUTH_DROP:
		truth_drop(truth);
		break;
	default:
		ret = -ENOTTY;
	}
	mutex_unlock(&truth->lock);
	return ret;
}

static int truth_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct page *page;
	int ret;

	if (vma->vm_end - vma->vm_start != PAGE_SIZE)
		return -EINVAL;
	page = alloc_page(GFP_USER | __GFP_ZERO);
	if (!page)
		return -ENOMEM;
	ret = vm_insert_page(vma, vma->vm_start, page);
	/* The page table has one of its own. */
	put_page(page);
	return ret;
}

static int truth_open(struct inode *inode, struct file *file)
{
	struct page_truth *truth = kvzalloc(sizeof(*truth), GFP_KERNEL);

	if (!truth)
		return -ENOMEM;
	mutex_init(&truth->lock);
	file->private_data = truth;
	return 0;
}

static int truth_release(struct inode *inode, struct file *file)
{
	truth_drop(file->private_data);
	kvfree(file->private_data);
	return 0;
}

static const struct file_operations truth_fops = {
	.owner = THIS_MODULE,
	.open = truth_open,
	.release = truth_release,
	.unlocked_ioctl = truth_ioctl,
	.mmap = truth_mmap,
};

static struct miscdevice truth_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "page_truth",
	.fops = &truth_fops,
	.mode = 0600,
};

static int __init truth_init(void)
{
	int ret;

	cache = kmem_cache_create("page_truth", OBJECT_SIZE, 0, 0, object_ctor);
	if (!cache)
		return -ENOMEM;
	ret = misc_register(&truth_misc);
	if (ret)
		kmem_cache_destroy(cache);
	return ret;
}

static void __exit truth_exit(void)
{
	misc_deregister(&truth_misc);
	kmem_cache_destroy(cache);
}

module_init(truth_init);
module_exit(truth_exit);
MODULE_DESCRIPTION("What a page is, for tests of those who look from outside");
MODULE_LICENSE("GPL");
