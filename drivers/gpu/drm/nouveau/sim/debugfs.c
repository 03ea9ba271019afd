// SPDX-License-Identifier: MIT
/*
 * Knobs, statistics and accesses by hand, in /sys/kernel/debug/nouveau-sim.N/. What
 * they are is in Documentation/gpu/nouveau-sim.rst.
 */
#include "nvkm.h"

#include <linux/debugfs.h>
#include <linux/platform_device.h>
#include <linux/seq_file.h>
#include <linux/uaccess.h>

/* How long accesses by hand may take before their writer is told. */
#define ACCESS_SECONDS	30
#define ACCESS_BATCH	64
#define ACCESS_TEXT	SZ_8K

static int
stats_show(struct seq_file *m, void *unused)
{
	struct nvkm_sim *sim = m->private;
	struct nvsim_stats stats;

	spin_lock(&sim->model.lock);
	stats = sim->model.stats;
	spin_unlock(&sim->model.lock);
#define NVSIM_STAT(name) seq_printf(m, "%s %llu\n", #name, stats.name)
#include "stats.h"
#undef NVSIM_STAT
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stats);

static const char *
chan_state(const struct nvsim_chan *chan)
{
	if (chan->dead)
		return "dead";
	if (!READ_ONCE(chan->running))
		return "stopped";
	if (chan->stall == NVSIM_FAULTED)
		return "faulted";
	if (chan->stall == NVSIM_REPORTED)
		return "waits-for-replay";
	if (chan->acquire)
		return "waits-for-semaphore";
	if (chan->ce.busy)
		return "copies";
	return "runs";
}

static int
channels_show(struct seq_file *m, void *unused)
{
	struct nvkm_sim *sim = m->private;
	int id;

	seq_puts(m, "id runlist inst pdb replay state fault\n");
	spin_lock(&sim->model.lock);
	for_each_set_bit(id, sim->model.bound, NVSIM_CHANS) {
		const struct nvsim_chan *chan = sim->model.chan[id];

		seq_printf(m, "%d %d %#llx %#llx %d %s %#llx\n", id, chan->runlist, chan->inst,
			   chan->as.pdb, chan->as.replay, chan_state(chan),
			   chan->stall == NVSIM_RUNS ? 0 : chan->fault.addr);
	}
	spin_unlock(&sim->model.lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(channels);

/* A gate's file: read says whether it is closed and how many wait at it, a line written
 * to it closes (1) or opens (0) it.
 */
struct gate_file {
	struct nvkm_sim *sim;
	enum nvsim_gate gate;
};

static int
gate_open(struct inode *inode, struct file *file)
{
	const char *name = file->f_path.dentry->d_name.name;
	static const char * const gates[] = {
		[NVSIM_GATE_FAULT] = "fault",
		[NVSIM_GATE_NOTIFY] = "notify",
		[NVSIM_GATE_REPLAY] = "replay",
		[NVSIM_GATE_FLUSH] = "flush",
	};
	struct gate_file *gf;
	int gate = match_string(gates, ARRAY_SIZE(gates), name);

	if (gate < 0)
		return gate;
	gf = kzalloc_obj(*gf, GFP_KERNEL);
	if (!gf)
		return -ENOMEM;
	gf->sim = inode->i_private;
	gf->gate = gate;
	file->private_data = gf;
	return 0;
}

static int
gate_release(struct inode *inode, struct file *file)
{
	kfree(file->private_data);
	return 0;
}

static ssize_t
gate_read(struct file *file, char __user *buf, size_t count, loff_t *ppos)
{
	struct gate_file *gf = file->private_data;
	struct nvsim *model = &gf->sim->model;
	char text[32];
	int len;

	spin_lock(&model->lock);
	len = scnprintf(text, sizeof(text), "%s %u\n", model->hold[gf->gate] ? "closed" : "open",
			model->held[gf->gate]);
	spin_unlock(&model->lock);
	return simple_read_from_buffer(buf, count, ppos, text, len);
}

static ssize_t
gate_write(struct file *file, const char __user *buf, size_t count, loff_t *ppos)
{
	struct gate_file *gf = file->private_data;
	bool hold;
	int ret;

	ret = kstrtobool_from_user(buf, count, &hold);
	if (ret)
		return ret;
	nvsim_gate_set(&gf->sim->model, gf->gate, hold);
	return count;
}

static const struct file_operations gate_fops = {
	.owner = THIS_MODULE,
	.open = gate_open,
	.release = gate_release,
	.read = gate_read,
	.write = gate_write,
};

static int
tlb_size_set(void *data, u64 value)
{
	struct nvkm_sim *sim = data;

	if (value > NVSIM_TLB_MAX)
		return -EINVAL;
	spin_lock(&sim->model.lock);
	/* What is beyond a smaller size must not come back with a larger one. */
	memset(sim->model.tlb, 0, sizeof(sim->model.tlb));
	sim->model.tlb_size = value;
	spin_unlock(&sim->model.lock);
	return 0;
}

static int
tlb_size_get(void *data, u64 *value)
{
	struct nvkm_sim *sim = data;

	*value = READ_ONCE(sim->model.tlb_size);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(tlb_size_fops, tlb_size_get, tlb_size_set, "%llu\n");

/* Accesses by hand: a write makes a batch of them and waits for them, a read of the
 * same open file says what became of the last batch.
 */
struct access_file {
	struct nvkm_sim *sim;
	struct mutex mutex;	/* protects the batch */
	struct nvsim_access_batch batch;
};

static const char * const access_types[] = {
	[NVSIM_READ] = "read",
	[NVSIM_WRITE] = "write",
	[NVSIM_ATOMIC] = "atomic",
	[NVSIM_PREFETCH] = "prefetch",
};

static int
access_open(struct inode *inode, struct file *file)
{
	struct access_file *af = kzalloc_obj(*af, GFP_KERNEL);

	if (!af)
		return -ENOMEM;
	af->sim = inode->i_private;
	mutex_init(&af->mutex);
	file->private_data = af;
	return 0;
}

static int
access_release(struct inode *inode, struct file *file)
{
	struct access_file *af = file->private_data;

	kfree(af->batch.access);
	kfree(af);
	return 0;
}

/* A line: CHANNEL TYPE ADDRESS [VALUE] */
static int
access_parse(char *line, struct nvsim_access *access)
{
	char type[16];
	int n, i;

	n = sscanf(line, "%i %15s %llx %x", &access->chid, type, &access->va, &access->value);
	if (n < 3)
		return -EINVAL;
	i = match_string(access_types, ARRAY_SIZE(access_types), type);
	if (i < 0)
		return -EINVAL;
	access->type = i;
	return 0;
}

static ssize_t
access_write(struct file *file, const char __user *buf, size_t count, loff_t *ppos)
{
	struct access_file *af = file->private_data;
	struct nvsim_access_batch *batch = &af->batch;
	struct nvsim *model = &af->sim->model;
	char *text, *rest, *line;
	long left;
	int ret;

	if (count > ACCESS_TEXT)
		return -E2BIG;
	text = memdup_user_nul(buf, count);
	if (IS_ERR(text))
		return PTR_ERR(text);

	mutex_lock(&af->mutex);
	kfree(batch->access);
	batch->nr = 0;
	batch->access = kcalloc(ACCESS_BATCH, sizeof(*batch->access), GFP_KERNEL);
	ret = batch->access ? 0 : -ENOMEM;
	rest = text;
	while (!ret && (line = strsep(&rest, "\n"))) {
		if (!*line)
			continue;
		ret = batch->nr < ACCESS_BATCH ?
		      access_parse(line, &batch->access[batch->nr++]) : -E2BIG;
	}
	if (!ret)
		ret = nvsim_access_start(model, batch);
	if (ret) {
		batch->nr = 0;
		goto out;
	}

	left = wait_event_interruptible_timeout(model->wait, nvsim_access_done(model, batch),
						ACCESS_SECONDS * HZ);
	nvsim_access_stop(model, batch);
	/* Not again by itself: some of them have been done. */
	ret = left < 0 ? -EINTR : left == 0 ? -ETIME : 0;
out:
	mutex_unlock(&af->mutex);
	kfree(text);
	return ret ?: count;
}

static ssize_t
access_read(struct file *file, char __user *buf, size_t count, loff_t *ppos)
{
	struct access_file *af = file->private_data;
	ssize_t ret, len = 0;
	char *text;
	u32 i;

	text = kmalloc(ACCESS_TEXT, GFP_KERNEL);
	if (!text)
		return -ENOMEM;
	mutex_lock(&af->mutex);
	for (i = 0; i < af->batch.nr; i++) {
		const struct nvsim_access *access = &af->batch.access[i];

		len += scnprintf(text + len, ACCESS_TEXT - len, "%d %s %#llx %d %#x\n",
				 access->chid, access_types[access->type], access->va,
				 access->error, access->value);
	}
	ret = simple_read_from_buffer(buf, count, ppos, text, len);
	mutex_unlock(&af->mutex);
	kfree(text);
	return ret;
}

static const struct file_operations access_fops = {
	.owner = THIS_MODULE,
	.open = access_open,
	.release = access_release,
	.read = access_read,
	.write = access_write,
};

/**
 * nvkm_sim_debugfs_init() - make the files of a device
 * @sim: the device
 */
void
nvkm_sim_debugfs_init(struct nvkm_sim *sim)
{
	struct dentry *dir = debugfs_create_dir(dev_name(&sim->pdev->dev), NULL);
	struct dentry *gates = debugfs_create_dir("gates", dir);

	debugfs_create_file("stats", 0400, dir, sim, &stats_fops);
	debugfs_create_file("channels", 0400, dir, sim, &channels_fops);
	debugfs_create_file("access", 0600, dir, sim, &access_fops);
	debugfs_create_file("tlb_size", 0600, dir, sim, &tlb_size_fops);
	debugfs_create_u32("fault_entries", 0600, dir, &sim->model.fault.limit);
	debugfs_create_atomic_t("drop_replays", 0600, dir, &sim->model.drop_replays);
	debugfs_create_atomic_t("drop_valid", 0600, dir, &sim->model.drop_valid);
	debugfs_create_file("fault", 0600, gates, sim, &gate_fops);
	debugfs_create_file("notify", 0600, gates, sim, &gate_fops);
	debugfs_create_file("replay", 0600, gates, sim, &gate_fops);
	debugfs_create_file("flush", 0600, gates, sim, &gate_fops);
	sim->debugfs = dir;
}

/**
 * nvkm_sim_debugfs_fini() - remove them, waiting for whoever is in one
 * @sim: the device
 */
void
nvkm_sim_debugfs_fini(struct nvkm_sim *sim)
{
	debugfs_remove_recursive(sim->debugfs);
}
