/* SPDX-License-Identifier: MIT */
/* A disk in memory that can lose power. */

#include "tests/support/sim_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/sim_node.h"

#define ROOT           0
#define FIRST_FD       1000
#define FILE_MAX_BYTES ((uint64_t)1 << 30)
#define RULES          8
#define START_US       INT64_C(1700000000000000)

/* Beside -errno: the call is to be short. */
#define IS_SHORT 1

/* An open file. Numbers are not used again: who uses one that is closed is found. */
struct sim_file {
	bool is_open;
	unsigned node;
	int flags;
	uint64_t n_errors_seen;
	uint64_t n_disk_errors_seen;
};

struct sim_rule {
	bool is_active;
	bool is_for_ever;
	enum sim_call call;
	uint64_t left;
	int error;
};

struct sim_disk {
	struct disk table;
	struct sim_random random;
	struct sim_counts *counts;
	struct sim_node **nodes; /* NULL = free */
	unsigned n_nodes;
	struct sim_file *files;
	int n_files;
	int first_fd;
	uint64_t sequence;
	uint64_t n_changes;
	uint64_t stop_in; /* 0 = not */
	bool is_stopped;
	void (*before)(void *context, struct sim_disk *sim); /* NULL = nobody watches */
	void *before_context;
	struct sim_rule rules[RULES];
	uint64_t n_failed;
	unsigned n_short;
	uint64_t max_bytes;
	uint64_t max_nodes;
	bool is_direct_refused;
	uint64_t n_errors; /* of writing back, of all files */
	int64_t now_us;
	int64_t monotonic_us;
};

/* -- what every call begins with --------------------------------------------------------------- */

static void count(struct sim_disk *sim, enum sim_event event)
{
	sim->counts->events[event]++;
}

/* A stop point. @return 0 or SIM_DISK_STOPPED */
static int step(struct sim_disk *sim)
{
	if (sim->stop_in && --sim->stop_in == 0) {
		sim->is_stopped = true;
		count(sim, SIM_STOPS);
		return SIM_DISK_STOPPED;
	}
	if (sim->before)
		sim->before(sim->before_context, sim);
	sim->n_changes++;
	return 0;
}

static int meet_rules(struct sim_disk *sim, enum sim_call call)
{
	for (size_t i = 0; i < RULES; i++) {
		struct sim_rule *rule = &sim->rules[i];

		if (!rule->is_active || rule->call != call || --rule->left > 0)
			continue;
		rule->left = 1;
		rule->is_active = rule->is_for_ever;
		sim->n_failed++;
		sim->counts->failed[call]++;
		return rule->error ? -rule->error : IS_SHORT;
	}
	return 0;
}

/* @return 0, IS_SHORT, SIM_DISK_STOPPED or the -errno that is to be said */
static int begin(struct sim_disk *sim, enum sim_call call, bool is_change)
{
	if (sim->is_stopped)
		return SIM_DISK_STOPPED;
	sim->counts->calls[call]++;
	if (is_change && step(sim) < 0)
		return SIM_DISK_STOPPED;
	return meet_rules(sim, call);
}

static struct sim_file *find_file(const struct sim_disk *sim, int fd)
{
	int i = fd - sim->first_fd;

	return i >= 0 && i < sim->n_files && sim->files[i].is_open ? &sim->files[i] : NULL;
}

static struct sim_node *node_of(const struct sim_disk *sim, const struct sim_file *file)
{
	return sim->nodes[file->node];
}

static struct sim_node *find_folder(const struct sim_disk *sim, int fd)
{
	const struct sim_file *file = find_file(sim, fd);

	return file && node_of(sim, file)->is_folder ? node_of(sim, file) : NULL;
}

/* Why a descriptor is none of a folder. */
static int no_folder(const struct sim_disk *sim, int fd)
{
	return find_file(sim, fd) ? -ENOTDIR : -EBADF;
}

/* @return a file open for writing, or NULL */
static struct sim_file *find_writable(const struct sim_disk *sim, int fd)
{
	struct sim_file *file = find_file(sim, fd);

	return file && (file->flags & O_ACCMODE) != O_RDONLY ? file : NULL;
}

static void change(struct sim_disk *sim, struct sim_node *node, struct sim_change what)
{
	what.sequence = ++sim->sequence;
	sim_node_change(node, &what);
	sim_node_do(node, &what);
}

/* -- names ------------------------------------------------------------------------------------- */

static int check_name(const char *name)
{
	if (!*name)
		return -ENOENT;
	if (strlen(name) > NAME_MAX)
		return -ENAMETOOLONG;
	if (strcmp(name, "..") == 0 || *name == '/')
		return -EXDEV;
	return strchr(name, '/') ? -EINVAL : 0;
}

/* Find the folder that holds the last name of a path. @return 0 or -errno */
static int find_parent(const struct sim_disk *sim, unsigned folder, const char *path,
		       unsigned *ret_parent, const char **ret_name)
{
	const char *slash = strchr(path, '/');
	char first[NAME_MAX + 1];
	const struct sim_entry *entry;

	*ret_parent = folder;
	*ret_name = path;
	if (!slash || slash == path)
		return check_name(path);
	if ((size_t)(slash - path) > NAME_MAX)
		return -ENAMETOOLONG;
	(void)snprintf(first, sizeof(first), "%.*s", (int)(slash - path), path);
	if (check_name(first) < 0)
		return check_name(first);
	entry = sim_entries_find(&sim->nodes[folder]->entries, first);
	if (!entry)
		return -ENOENT;
	if (!sim->nodes[entry->node]->is_folder)
		return -ENOTDIR;
	*ret_parent = entry->node;
	*ret_name = slash + 1;
	return check_name(*ret_name);
}

/* @return the number of the node, or -errno */
static int find_path(const struct sim_disk *sim, unsigned folder, const char *path)
{
	const struct sim_entry *entry;
	unsigned parent;
	const char *name;
	int result = find_parent(sim, folder, path, &parent, &name);

	if (result < 0)
		return result;
	if (strcmp(name, ".") == 0)
		return (int)parent;
	entry = sim_entries_find(&sim->nodes[parent]->entries, name);
	return entry ? (int)entry->node : -ENOENT;
}

/* The same for a path from the root of as many names as it has: what a tester looks at. */
static int find_deep(const struct sim_disk *sim, const char *path)
{
	unsigned folder = ROOT;
	const char *slash;

	while ((slash = strchr(path, '/')) && slash > path && (size_t)(slash - path) <= NAME_MAX) {
		char name[NAME_MAX + 1];
		int number;

		(void)snprintf(name, sizeof(name), "%.*s", (int)(slash - path), path);
		number = find_path(sim, folder, name);
		if (number < 0)
			return number;
		if (!sim->nodes[number]->is_folder)
			return -ENOTDIR;
		folder = (unsigned)number;
		path = slash + 1;
	}
	return find_path(sim, folder, path);
}

/* -- space ------------------------------------------------------------------------------------- */

static bool is_live(const struct sim_node *node)
{
	return node && (node->n_names || node->n_open);
}

uint64_t sim_disk_used_bytes(const struct sim_disk *sim)
{
	uint64_t n_blocks = 0;

	for (unsigned i = 0; i < sim->n_nodes; i++) {
		if (is_live(sim->nodes[i]))
			n_blocks += sim->nodes[i]->n_used_blocks;
	}
	return n_blocks * SIM_DISK_BLOCK_BYTES;
}

uint64_t sim_disk_used_nodes(const struct sim_disk *sim)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < sim->n_nodes; i++)
		n += is_live(sim->nodes[i]);
	return n;
}

static uint64_t free_blocks(const struct sim_disk *sim)
{
	uint64_t used;

	if (!sim->max_bytes)
		return UINT64_MAX;
	used = sim_disk_used_bytes(sim);
	return used < sim->max_bytes ? (sim->max_bytes - used) / SIM_DISK_BLOCK_BYTES : 0;
}

/* How much of a write has room. */
static size_t fit(const struct sim_disk *sim, const struct sim_node *node, uint64_t offset,
		  size_t length)
{
	uint64_t room = free_blocks(sim);

	while (length && sim_node_count_missing(node, offset, length) > room) {
		uint64_t last = (offset + length - 1) / SIM_DISK_BLOCK_BYTES * SIM_DISK_BLOCK_BYTES;

		length = last > offset ? (size_t)(last - offset) : 0;
	}
	return length;
}

static int make_node(struct sim_disk *sim, bool is_folder)
{
	unsigned number = 0;

	while (number < sim->n_nodes && sim->nodes[number])
		number++;
	if (sim->max_nodes && sim_disk_used_nodes(sim) >= sim->max_nodes) {
		count(sim, SIM_NO_NODES);
		return -ENOSPC;
	}
	if (number == sim->n_nodes) {
		sim->nodes = sim_node_allocate(sim->nodes, number + 1, sizeof(struct sim_node *));
		sim->n_nodes++;
	}
	sim->nodes[number] = sim_node_new(is_folder);
	return (int)number;
}

static int make_entry(struct sim_disk *sim, struct sim_node *folder, const char *name,
		      bool is_folder)
{
	int number = make_node(sim, is_folder);

	if (number < 0)
		return number;
	sim->nodes[number]->n_names = 1;
	change(sim, folder,
	       (struct sim_change){
		       .kind = SIM_CHANGE_LINK, .name = (char *)name, .node = (unsigned)number});
	return number;
}

/* -- open and close ---------------------------------------------------------------------------- */

static int add_file(struct sim_disk *sim, unsigned node, int flags)
{
	sim->files = sim_node_allocate(sim->files, (size_t)sim->n_files + 1, sizeof(*sim->files));
	sim->files[sim->n_files] = (struct sim_file){
		.is_open = true,
		.node = node,
		.flags = flags,
		.n_errors_seen = sim->nodes[node]->n_errors,
		.n_disk_errors_seen = sim->n_errors,
	};
	sim->nodes[node]->n_open++;
	return sim->first_fd + sim->n_files++;
}

/* Make the file that is missing. @return its number or -errno */
static int open_new(struct sim_disk *sim, unsigned folder, const char *path, int flags)
{
	unsigned parent;
	const char *name;
	int result = find_parent(sim, folder, path, &parent, &name);

	if (result < 0)
		return result;
	if (!(flags & O_CREAT))
		return -ENOENT;
	if (step(sim) < 0)
		return SIM_DISK_STOPPED;
	return make_entry(sim, sim->nodes[parent], name, false);
}

static int check_open(const struct sim_disk *sim, const struct sim_node *node, int flags)
{
	if ((flags & O_CREAT) && (flags & O_EXCL))
		return -EEXIST;
	if (!node->is_folder && (flags & O_DIRECTORY))
		return -ENOTDIR;
	if (node->is_folder && (flags & O_ACCMODE) != O_RDONLY)
		return -EISDIR;
	return (flags & O_DIRECT) && sim->is_direct_refused ? -EINVAL : 0;
}

static int sim_open(void *context, int folder_fd, const char *path, int flags)
{
	struct sim_disk *sim = context;
	const struct sim_file *folder = find_file(sim, folder_fd);
	int result = begin(sim, SIM_OPEN, false);
	int number;

	if (result < 0)
		return result;
	if (!find_folder(sim, folder_fd))
		return no_folder(sim, folder_fd);
	number = find_path(sim, folder->node, path);
	if (number >= 0)
		result = check_open(sim, sim->nodes[number], flags);
	else if (number == -ENOENT)
		number = open_new(sim, folder->node, path, flags);
	if (result < 0)
		return result;
	return number < 0 ? number : add_file(sim, (unsigned)number, flags);
}

static int sim_close(void *context, int fd)
{
	struct sim_disk *sim = context;
	struct sim_file *file = find_file(sim, fd);
	int result = begin(sim, SIM_CLOSE, false);

	if (!file)
		return sim->is_stopped ? SIM_DISK_STOPPED : -EBADF;
	/* Also after an error: it is closed. */
	node_of(sim, file)->n_open--;
	file->is_open = false;
	return result;
}

/* -- bytes ------------------------------------------------------------------------------------- */

static size_t shorten(struct sim_disk *sim, int result, size_t length, enum sim_event event)
{
	bool is_short = result == IS_SHORT ||
			(sim->n_short && sim_random_chance(&sim->random, sim->n_short, 256));

	if (!is_short || length < 2)
		return length;
	count(sim, event);
	return 1 + (size_t)sim_random_below(&sim->random, length - 1);
}

static ssize_t copy_out(const struct sim_content *content, uint64_t offset, void *bytes,
			size_t length)
{
	if (offset >= content->size)
		return 0;
	if (length > content->size - offset)
		length = (size_t)(content->size - offset);
	memcpy(bytes, content->bytes + offset, length);
	return (ssize_t)length;
}

/* From the device: what is dirty is written there first, what a failed sync lost is not there. */
static ssize_t read_direct(struct sim_disk *sim, const struct sim_node *node, void *bytes,
			   size_t length, uint64_t offset)
{
	struct sim_node *device;
	ssize_t n;

	if (offset % SIM_DISK_SECTOR_BYTES || length % SIM_DISK_SECTOR_BYTES ||
	    (uintptr_t)bytes % SIM_DISK_SECTOR_BYTES)
		return -EINVAL;
	count(sim, SIM_DIRECT_READS);
	device = sim_node_clone(node);
	sim_node_evict(device);
	n = copy_out(&device->now, offset, bytes, length);
	sim_node_free(device);
	return n;
}

/* How much of a read comes before a bad sector. @return false: nothing does */
static bool read_sectors(struct sim_disk *sim, const struct sim_node *node, uint64_t offset,
			 size_t *length)
{
	if (offset + *length <= node->bad_from || offset >= node->bad_until)
		return true;
	count(sim, SIM_BAD_READS);
	if (offset >= node->bad_from)
		return false;
	*length = (size_t)(node->bad_from - offset);
	return true;
}

static ssize_t sim_pread(void *context, int fd, void *bytes, size_t length, uint64_t offset)
{
	struct sim_disk *sim = context;
	int result = begin(sim, SIM_PREAD, false);
	const struct sim_file *file = find_file(sim, fd);
	const struct sim_node *node;

	if (result < 0)
		return result;
	if (!file)
		return -EBADF;
	node = node_of(sim, file);
	if (node->is_folder)
		return -EISDIR;
	if (offset > INT64_MAX)
		return -EINVAL;
	if (!read_sectors(sim, node, offset, &length))
		return -EIO;
	if (file->flags & O_DIRECT)
		return read_direct(sim, node, bytes, length, offset);
	return copy_out(&node->now, offset, bytes, shorten(sim, result, length, SIM_SHORT_READS));
}

static void write_some(struct sim_disk *sim, struct sim_node *node, const void *bytes,
		       size_t length, uint64_t offset)
{
	if (!length)
		return;
	sim_node_take_blocks(node, offset, length);
	change(sim, node,
	       (struct sim_change){.kind = SIM_CHANGE_WRITE,
				   .offset = offset,
				   .size = offset + length,
				   .bytes = (uint8_t *)bytes,
				   .length = length});
}

static ssize_t write_all(struct sim_disk *sim, struct sim_node *node, const void *bytes,
			 size_t length, uint64_t offset)
{
	size_t room = fit(sim, node, offset, length);

	if (length && !room) {
		count(sim, SIM_NO_SPACE);
		return -ENOSPC;
	}
	write_some(sim, node, bytes, room, offset);
	return (ssize_t)room;
}

static ssize_t sim_pwrite(void *context, int fd, const void *bytes, size_t length, uint64_t offset)
{
	struct sim_disk *sim = context;
	bool was_stopped = sim->is_stopped;
	int result = begin(sim, SIM_PWRITE, true);
	const struct sim_file *file = find_writable(sim, fd);
	uint64_t end;

	if (!file)
		return sim->is_stopped ? SIM_DISK_STOPPED : -EBADF;
	if (__builtin_add_overflow(offset, length, &end) || end > FILE_MAX_BYTES)
		return -EFBIG;
	/* A process may be ended within a write. */
	if (sim->is_stopped && !was_stopped && length > 1 &&
	    sim_random_chance(&sim->random, 1, 2)) {
		length = 1 + (size_t)sim_random_below(&sim->random, length - 1);
		length = fit(sim, node_of(sim, file), offset, length);
		write_some(sim, node_of(sim, file), bytes, length, offset);
		count(sim, SIM_HALF_WRITES);
	}
	if (result < 0)
		return result;
	return write_all(sim, node_of(sim, file), bytes,
			 shorten(sim, result, length, SIM_SHORT_WRITES), offset);
}

static int sim_fallocate(void *context, int fd, uint64_t offset, uint64_t length)
{
	struct sim_disk *sim = context;
	int result = begin(sim, SIM_FALLOCATE, true);
	const struct sim_file *file = find_writable(sim, fd);
	struct sim_node *node;
	uint64_t end;

	if (result < 0)
		return result;
	if (!file)
		return -EBADF;
	if (!length)
		return -EINVAL;
	if (__builtin_add_overflow(offset, length, &end) || end > FILE_MAX_BYTES)
		return -EFBIG;
	node = node_of(sim, file);
	if (sim_node_count_missing(node, offset, length) > free_blocks(sim)) {
		count(sim, SIM_NO_SPACE);
		return -ENOSPC;
	}
	sim_node_take_blocks(node, offset, length);
	if (end > node->now.size)
		change(sim, node, (struct sim_change){.kind = SIM_CHANGE_SIZE, .size = end});
	return 0;
}

static int sim_ftruncate(void *context, int fd, uint64_t length)
{
	struct sim_disk *sim = context;
	int result = begin(sim, SIM_FTRUNCATE, true);
	const struct sim_file *file = find_writable(sim, fd);
	struct sim_node *node;

	if (result < 0)
		return result;
	if (!file)
		return -EBADF;
	if (length > FILE_MAX_BYTES)
		return -EFBIG;
	node = node_of(sim, file);
	if (length != node->now.size)
		change(sim, node, (struct sim_change){.kind = SIM_CHANGE_SIZE, .size = length});
	sim_node_cut_blocks(node);
	return 0;
}

static int sim_punch(void *context, int fd, uint64_t offset, uint64_t length)
{
	struct sim_disk *sim = context;
	int result = begin(sim, SIM_PUNCH, true);
	const struct sim_file *file = find_writable(sim, fd);
	struct sim_node *node;

	if (result < 0)
		return result;
	if (!file)
		return -EBADF;
	if (!length)
		return -EINVAL;
	if (offset > FILE_MAX_BYTES || length > FILE_MAX_BYTES)
		return -EFBIG;
	node = node_of(sim, file);
	change(sim, node,
	       (struct sim_change){
		       .kind = SIM_CHANGE_PUNCH, .offset = offset, .length = (size_t)length});
	sim_node_give_blocks(node, offset, length);
	return 0;
}

static int sim_fstat(void *context, int fd, struct disk_status *ret_status)
{
	struct sim_disk *sim = context;
	int result = begin(sim, SIM_FSTAT, false);
	const struct sim_file *file = find_file(sim, fd);

	if (result < 0)
		return result;
	if (!file)
		return -EBADF;
	*ret_status = (struct disk_status){
		.is_file = !node_of(sim, file)->is_folder,
		.is_folder = node_of(sim, file)->is_folder,
		.size_bytes = node_of(sim, file)->now.size,
		.allocated_bytes = node_of(sim, file)->n_used_blocks * SIM_DISK_BLOCK_BYTES,
	};
	return 0;
}

/* -- syncs ------------------------------------------------------------------------------------- */

/* Writing back failed: some of it was written, none of it will be. */
static void lose_changes(struct sim_disk *sim, struct sim_node *node)
{
	static const enum sim_mode modes[] = {SIM_MODE_NONE, SIM_MODE_NONE, SIM_MODE_WHOLE,
					      SIM_MODE_CHAOS};
	struct sim_counts unused = {0};
	struct sim_fate fate = {
		.mode = modes[sim_random_below(&sim->random, 4)],
		.random = &sim->random,
		.counts = &unused,
	};

	node->n_errors++;
	sim->n_errors++;
	/* Entries are in a journal: they wait on, or the file system ends. */
	if (!node->n_changes || node->is_folder)
		return;
	sim_node_meet(node, &fate);
	count(sim, SIM_LOST_SYNCS);
}

static int sync_one(struct sim_disk *sim, enum sim_call call, int fd)
{
	int result = begin(sim, call, true);
	struct sim_file *file = find_file(sim, fd);
	struct sim_node *node;
	bool has_failed;

	if (sim->is_stopped)
		return SIM_DISK_STOPPED;
	if (!file)
		return -EBADF;
	node = node_of(sim, file);
	if (result < 0 && result != -EINTR)
		lose_changes(sim, node);
	else if (result == 0)
		sim_node_sync(node);
	has_failed = node->n_errors != file->n_errors_seen;
	if (result != -EINTR)
		file->n_errors_seen = node->n_errors;
	if (result < 0)
		return result;
	return has_failed ? -EIO : 0;
}

static int sim_fdatasync(void *context, int fd)
{
	return sync_one(context, SIM_FDATASYNC, fd);
}

static int sim_fsync(void *context, int fd)
{
	return sync_one(context, SIM_FSYNC, fd);
}

/* Of a failed one some files are written. */
static void sync_all(struct sim_disk *sim, bool has_failed)
{
	for (unsigned i = 0; i < sim->n_nodes; i++) {
		struct sim_node *node = sim->nodes[i];

		if (!node || !node->n_changes)
			continue;
		if (has_failed && sim_random_chance(&sim->random, 2, 3))
			lose_changes(sim, node);
		else
			sim_node_sync(node);
	}
	sim->n_errors += has_failed;
}

static int sim_syncfs(void *context, int fd)
{
	struct sim_disk *sim = context;
	int result = begin(sim, SIM_SYNCFS, true);
	struct sim_file *file = find_file(sim, fd);
	bool has_failed;

	if (sim->is_stopped)
		return SIM_DISK_STOPPED;
	if (!file)
		return -EBADF;
	if (result == -EINTR)
		return result;
	sync_all(sim, result < 0);
	has_failed = sim->n_errors != file->n_disk_errors_seen;
	file->n_disk_errors_seen = sim->n_errors;
	if (result < 0)
		return result;
	return has_failed ? -EIO : 0;
}

/* -- entries ----------------------------------------------------------------------------------- */

static int sim_rename(void *context, int folder_fd, const char *from, const char *to)
{
	struct sim_disk *sim = context;
	int result = begin(sim, SIM_RENAME, true);
	struct sim_node *folder = find_folder(sim, folder_fd);
	const struct sim_entry *source;
	const struct sim_entry *target;

	if (result < 0)
		return result;
	if (!folder)
		return no_folder(sim, folder_fd);
	if (check_name(from) < 0 || check_name(to) < 0)
		return -EINVAL;
	source = sim_entries_find(&folder->entries, from);
	target = sim_entries_find(&folder->entries, to);
	if (!source)
		return -ENOENT;
	if (target && target->node == source->node)
		return 0;
	if (target && sim->nodes[target->node]->is_folder)
		return sim->nodes[source->node]->is_folder ? -ENOTEMPTY : -EISDIR;
	if (target)
		sim->nodes[target->node]->n_names--;
	change(sim, folder,
	       (struct sim_change){.kind = SIM_CHANGE_RENAME,
				   .name = (char *)from,
				   .to = (char *)to,
				   .node = source->node});
	return 0;
}

static int sim_unlink(void *context, int folder_fd, const char *name)
{
	struct sim_disk *sim = context;
	int result = begin(sim, SIM_UNLINK, true);
	struct sim_node *folder = find_folder(sim, folder_fd);
	const struct sim_entry *entry;

	if (result < 0)
		return result;
	if (!folder)
		return no_folder(sim, folder_fd);
	entry = sim_entries_find(&folder->entries, name);
	if (!entry)
		return -ENOENT;
	if (sim->nodes[entry->node]->is_folder)
		return -EISDIR;
	sim->nodes[entry->node]->n_names--;
	change(sim, folder, (struct sim_change){.kind = SIM_CHANGE_UNLINK, .name = (char *)name});
	return 0;
}

static int sim_mkdir(void *context, int folder_fd, const char *name)
{
	struct sim_disk *sim = context;
	int result = begin(sim, SIM_MKDIR, true);
	struct sim_node *folder = find_folder(sim, folder_fd);

	if (result < 0)
		return result;
	if (!folder)
		return no_folder(sim, folder_fd);
	result = check_name(name);
	if (result < 0)
		return result;
	if (strcmp(name, ".") == 0 || sim_entries_find(&folder->entries, name))
		return -EEXIST;
	result = make_entry(sim, folder, name, true);
	return result < 0 ? result : 0;
}

/* In an order of chance, of the names that were there at the begin. */
static int sim_list(void *context, int folder_fd, int (*take)(void *argument, const char *name),
		    void *argument)
{
	struct sim_disk *sim = context;
	int result = begin(sim, SIM_LIST, false);
	const struct sim_node *folder = find_folder(sim, folder_fd);
	struct sim_node *copy;
	size_t n_given;
	size_t first;
	size_t n;

	if (result < 0)
		return result;
	if (!folder)
		return no_folder(sim, folder_fd);
	copy = sim_node_clone(folder);
	n = copy->entries.n;
	first = (size_t)sim_random_below(&sim->random, n);
	n_given = copy->list_error ? (size_t)sim_random_below(&sim->random, n + 1) : n;
	for (size_t i = 0; i < n_given && result == 0; i++)
		result = take(argument, copy->entries.at[(first + i) % n].name);
	if (copy->list_error && result == 0) {
		count(sim, SIM_BAD_LISTS);
		result = -copy->list_error;
	}
	sim_node_free(copy);
	return result;
}

/* -- clock and chance -------------------------------------------------------------------------- */

static int64_t sim_now_us(void *context)
{
	return ((struct sim_disk *)context)->now_us;
}

static int64_t sim_monotonic_us(void *context)
{
	return ((struct sim_disk *)context)->monotonic_us;
}

static int sim_random(void *context, void *bytes, size_t length)
{
	struct sim_disk *sim = context;
	int result = begin(sim, SIM_RANDOM, false);

	if (result < 0)
		return result;
	sim_random_fill(&sim->random, bytes, length);
	return 0;
}

void sim_disk_advance(struct sim_disk *sim, int64_t us)
{
	sim->now_us += us;
	sim->monotonic_us += us;
}

void sim_disk_set_now(struct sim_disk *sim, int64_t now_us)
{
	sim->now_us = now_us;
}

/* -- the disk as a whole ----------------------------------------------------------------------- */

static const struct disk functions = {
	.open = sim_open,
	.close = sim_close,
	.pread = sim_pread,
	.pwrite = sim_pwrite,
	.fdatasync = sim_fdatasync,
	.fsync = sim_fsync,
	.syncfs = sim_syncfs,
	.fallocate = sim_fallocate,
	.ftruncate = sim_ftruncate,
	.punch = sim_punch,
	.fstat = sim_fstat,
	.rename = sim_rename,
	.unlink = sim_unlink,
	.mkdir = sim_mkdir,
	.list = sim_list,
	.now_us = sim_now_us,
	.monotonic_us = sim_monotonic_us,
	.random = sim_random,
};

struct sim_disk *sim_disk_new(uint64_t seed, struct sim_counts *counts)
{
	struct sim_disk *sim = sim_node_allocate(NULL, 1, sizeof(*sim));

	*sim = (struct sim_disk){
		.table = functions,
		.random = {.state = seed},
		.counts = counts,
		.first_fd = FIRST_FD,
		.now_us = START_US,
	};
	sim->table.context = sim;
	(void)make_node(sim, true);
	sim->nodes[ROOT]->n_names = 1;
	return sim;
}

void sim_disk_free(struct sim_disk *sim)
{
	if (!sim)
		return;
	for (unsigned i = 0; i < sim->n_nodes; i++)
		sim_node_free(sim->nodes[i]);
	free(sim->nodes);
	free(sim->files);
	free(sim);
}

struct sim_disk *sim_disk_clone(const struct sim_disk *sim)
{
	struct sim_disk *clone = sim_node_allocate(NULL, 1, sizeof(*clone));

	*clone = *sim;
	clone->table.context = clone;
	clone->before = NULL;
	clone->nodes = sim_node_allocate(NULL, sim->n_nodes, sizeof(struct sim_node *));
	for (unsigned i = 0; i < sim->n_nodes; i++)
		clone->nodes[i] = sim->nodes[i] ? sim_node_clone(sim->nodes[i]) : NULL;
	clone->files = sim_node_allocate(NULL, (size_t)sim->n_files, sizeof(*clone->files));
	if (sim->n_files)
		memcpy(clone->files, sim->files, (size_t)sim->n_files * sizeof(*sim->files));
	return clone;
}

const struct disk *sim_disk_table(const struct sim_disk *sim)
{
	return &sim->table;
}

void sim_disk_seed(struct sim_disk *sim, uint64_t seed)
{
	sim->random.state = seed;
}

int sim_disk_open_root(struct sim_disk *sim)
{
	return sim->is_stopped ? SIM_DISK_STOPPED : add_file(sim, ROOT, O_RDONLY | O_DIRECTORY);
}

unsigned sim_disk_n_open(const struct sim_disk *sim)
{
	unsigned n = 0;

	for (int i = 0; i < sim->n_files; i++)
		n += sim->files[i].is_open;
	return n;
}

uint64_t sim_disk_n_changes(const struct sim_disk *sim)
{
	return sim->n_changes;
}

void sim_disk_stop_at(struct sim_disk *sim, uint64_t n)
{
	sim->stop_in = n;
	sim->is_stopped = false;
}

void sim_disk_watch(struct sim_disk *sim, void (*before)(void *context, struct sim_disk *sim),
		    void *context)
{
	sim->before = before;
	sim->before_context = context;
}

bool sim_disk_is_stopped(const struct sim_disk *sim)
{
	return sim->is_stopped;
}

/* No process has anything open any more. */
static void close_all(struct sim_disk *sim)
{
	for (unsigned i = 0; i < sim->n_nodes; i++) {
		if (sim->nodes[i])
			sim->nodes[i]->n_open = 0;
	}
	sim->first_fd += sim->n_files;
	sim->n_files = 0;
	sim_disk_stop_at(sim, 0);
}

void sim_disk_kill(struct sim_disk *sim)
{
	close_all(sim);
	count(sim, SIM_KILLS);
}

static void mark(struct sim_disk *sim, unsigned number)
{
	struct sim_node *node = sim->nodes[number];

	node->is_marked = true;
	node->n_names = 1;
	for (size_t i = 0; i < node->entries.n; i++)
		mark(sim, node->entries.at[i].node);
}

/* What has no name after a crash is no more. */
static void sweep(struct sim_disk *sim)
{
	mark(sim, ROOT);
	for (unsigned i = 0; i < sim->n_nodes; i++) {
		if (sim->nodes[i] && !sim->nodes[i]->is_marked) {
			sim_node_free(sim->nodes[i]);
			sim->nodes[i] = NULL;
		}
		if (sim->nodes[i])
			sim->nodes[i]->is_marked = false;
	}
}

/* The sequence of a pending change of chance, 0 when there is none. */
static uint64_t choose_cut(struct sim_disk *sim)
{
	uint64_t cut = 0;
	uint64_t n = 0;

	for (unsigned i = 0; i < sim->n_nodes; i++) {
		const struct sim_node *node = sim->nodes[i];

		for (size_t j = 0; node && j < node->n_changes; j++) {
			if (sim_random_below(&sim->random, ++n) == 0)
				cut = node->changes[j].sequence;
		}
	}
	return cut;
}

void sim_disk_crash(struct sim_disk *sim)
{
	static const enum sim_mode modes[] = {
		SIM_MODE_ALL,   SIM_MODE_NONE,  SIM_MODE_PREFIX, SIM_MODE_PREFIX, SIM_MODE_PREFIX,
		SIM_MODE_WHOLE, SIM_MODE_WHOLE, SIM_MODE_CHAOS,  SIM_MODE_CHAOS,  SIM_MODE_CHAOS,
	};
	struct sim_fate fate = {
		.mode = modes[sim_random_below(&sim->random, sizeof(modes) / sizeof(*modes))],
		.cut = choose_cut(sim),
		.random = &sim->random,
		.counts = sim->counts,
	};

	close_all(sim);
	for (unsigned i = 0; i < sim->n_nodes; i++) {
		if (sim->nodes[i]) {
			sim_node_meet(sim->nodes[i], &fate);
			sim_node_reset(sim->nodes[i]);
		}
	}
	sweep(sim);
	sim->n_errors = 0;
	count(sim, SIM_CRASHES);
}

void sim_disk_settle(struct sim_disk *sim)
{
	sync_all(sim, false);
}

/* -- faults ------------------------------------------------------------------------------------ */

void sim_disk_fail(struct sim_disk *sim, enum sim_call call, uint64_t n, int error, bool for_ever)
{
	for (size_t i = 0; i < RULES; i++) {
		if (!sim->rules[i].is_active) {
			sim->rules[i] = (struct sim_rule){true, for_ever, call, n, error};
			return;
		}
	}
	abort();
}

void sim_disk_heal(struct sim_disk *sim)
{
	memset(sim->rules, 0, sizeof(sim->rules));
	for (unsigned i = 0; i < sim->n_nodes; i++) {
		if (sim->nodes[i])
			sim->nodes[i]->list_error = 0;
	}
}

uint64_t sim_disk_n_failed(const struct sim_disk *sim)
{
	return sim->n_failed;
}

void sim_disk_set_short(struct sim_disk *sim, unsigned n)
{
	sim->n_short = n;
}

void sim_disk_set_limits(struct sim_disk *sim, uint64_t bytes, uint64_t nodes)
{
	sim->max_bytes = bytes;
	sim->max_nodes = nodes;
}

void sim_disk_refuse_direct(struct sim_disk *sim, bool is_refused)
{
	sim->is_direct_refused = is_refused;
}

int sim_disk_fail_write_back(struct sim_disk *sim, const char *path)
{
	int number = find_deep(sim, path);

	if (number < 0)
		return number;
	lose_changes(sim, sim->nodes[number]);
	return 0;
}

void sim_disk_evict(struct sim_disk *sim)
{
	for (unsigned i = 0; i < sim->n_nodes; i++) {
		if (sim->nodes[i] && !sim->nodes[i]->is_folder)
			sim_node_evict(sim->nodes[i]);
	}
}

static void flip(struct sim_content *content, uint64_t bit)
{
	if (bit / 8 < content->size)
		content->bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
}

int sim_disk_spoil(struct sim_disk *sim, const char *path, uint64_t offset, uint64_t length)
{
	int number = find_deep(sim, path);
	uint64_t end = offset + length + SIM_DISK_SECTOR_BYTES - 1;

	if (number < 0)
		return number;
	sim->nodes[number]->bad_from = offset - offset % SIM_DISK_SECTOR_BYTES;
	sim->nodes[number]->bad_until = length ? end - end % SIM_DISK_SECTOR_BYTES : 0;
	return 0;
}

int sim_disk_spoil_folder(struct sim_disk *sim, const char *path, int error)
{
	int number = find_deep(sim, path);

	if (number < 0)
		return number;
	sim->nodes[number]->list_error = error;
	return 0;
}

int sim_disk_flip(struct sim_disk *sim, const char *path, uint64_t bit)
{
	int number = find_deep(sim, path);

	if (number < 0)
		return number;
	if (bit / 8 >= sim->nodes[number]->now.size)
		return -ERANGE;
	flip(&sim->nodes[number]->now, bit);
	flip(&sim->nodes[number]->durable, bit);
	count(sim, SIM_FLIPS);
	return 0;
}

/* -- looking at it ----------------------------------------------------------------------------- */

const uint8_t *sim_disk_content(const struct sim_disk *sim, const char *path, uint64_t *ret_size)
{
	int number = find_deep(sim, path);

	if (number < 0 || sim->nodes[number]->is_folder)
		return NULL;
	*ret_size = sim->nodes[number]->now.size;
	return sim->nodes[number]->now.bytes ? sim->nodes[number]->now.bytes : (const uint8_t *)"";
}

uint64_t sim_disk_allocated(const struct sim_disk *sim, const char *path)
{
	int number = find_deep(sim, path);

	return number < 0 ? 0 : sim->nodes[number]->n_used_blocks * SIM_DISK_BLOCK_BYTES;
}

static int compare_entries(const void *a, const void *b)
{
	return strcmp(((const struct sim_entry *)a)->name, ((const struct sim_entry *)b)->name);
}

/* `path` ends with a slash, or is empty. */
static void walk(const struct sim_disk *sim, struct sim_node *folder, const char *path,
		 void (*take)(void *argument, const char *path), void *argument)
{
	if (folder->entries.n > 0)
		qsort(folder->entries.at, folder->entries.n, sizeof(*folder->entries.at),
		      compare_entries);
	for (size_t i = 0; i < folder->entries.n; i++) {
		const struct sim_entry *entry = &folder->entries.at[i];
		bool is_folder = sim->nodes[entry->node]->is_folder;
		char full[PATH_MAX];

		(void)snprintf(full, sizeof(full), "%s%s%s", path, entry->name,
			       is_folder ? "/" : "");
		if (is_folder)
			walk(sim, sim->nodes[entry->node], full, take, argument);
		else
			take(argument, full);
	}
}

void sim_disk_walk(const struct sim_disk *sim, void (*take)(void *argument, const char *path),
		   void *argument)
{
	walk(sim, sim->nodes[ROOT], "", take, argument);
}

uint64_t sim_disk_n_pending(const struct sim_disk *sim)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < sim->n_nodes; i++)
		n += sim->nodes[i] ? sim->nodes[i]->n_changes : 0;
	return n;
}

static void dump_changes(const struct sim_node *node, FILE *out)
{
	static const char *const kinds[] = {"write", "size", "link", "unlink", "rename", "punch"};

	for (size_t i = 0; i < node->n_changes; i++) {
		const struct sim_change *pending = &node->changes[i];

		(void)fprintf(out, "    #%llu %s", (unsigned long long)pending->sequence,
			      kinds[pending->kind]);
		if (node->is_folder) {
			(void)fprintf(out, " %s %s: node %u\n", pending->name,
				      pending->to ? pending->to : "", pending->node);
			continue;
		}
		(void)fprintf(out, " %zu bytes at %llu, size %llu\n", pending->length,
			      (unsigned long long)pending->offset,
			      (unsigned long long)pending->size);
	}
}

static void dump_node(const struct sim_node *node, unsigned number, FILE *out)
{
	(void)fprintf(out, "node %u: %u names, open %u times", number, node->n_names, node->n_open);
	if (!node->is_folder) {
		(void)fprintf(out, ", %llu bytes (%llu durable)",
			      (unsigned long long)node->now.size,
			      (unsigned long long)node->durable.size);
	}
	(void)fputc('\n', out);
	for (size_t i = 0; i < node->entries.n; i++)
		(void)fprintf(out, "  %s: node %u\n", node->entries.at[i].name,
			      node->entries.at[i].node);
	for (size_t i = 0; i < node->durable_entries.n; i++)
		(void)fprintf(out, "  durable %s: node %u\n", node->durable_entries.at[i].name,
			      node->durable_entries.at[i].node);
	dump_changes(node, out);
}

void sim_disk_dump(const struct sim_disk *sim, FILE *out)
{
	for (unsigned i = 0; i < sim->n_nodes; i++) {
		if (sim->nodes[i])
			dump_node(sim->nodes[i], i, out);
	}
}
