/* SPDX-License-Identifier: MIT */
/* The plugins folder: opening, checking and loading shared objects. */

#include "agent/loader.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <link.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/contract.h"

#define OBJECT_PATTERN "*.so"

/* A shared object has a dozen. */
#define PROGRAM_HEADERS_MAX 128

#if __SIZEOF_POINTER__ == 8
#define NATIVE_CLASS ELFCLASS64
#else
#define NATIVE_CLASS ELFCLASS32
#endif

/* Enter a refusal. Without memory for it the object is left out all the same. */
static void refuse(struct loader *loader, const char *name, bool is_object, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static void refuse(struct loader *loader, const char *name, bool is_object, const char *format, ...)
{
	struct loader_refusal refusal = {.name = strdup(name), .is_object = is_object};
	struct loader_refusal *refusals =
		reallocarray(loader->refusals, loader->n_refusals + 1, sizeof(*refusals));
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(&refusal.reason, format, arguments) < 0)
		refusal.reason = NULL;
	va_end(arguments);
	if (refusals)
		loader->refusals = refusals;
	if (!refusals || !refusal.name || !refusal.reason) {
		free(refusal.name);
		free(refusal.reason);
		return;
	}
	loader->refusals[loader->n_refusals++] = refusal;
}

/* @return NULL, or why root must not trust it */
static const char *find_distrust(const struct stat *status)
{
	if (status->st_uid != 0)
		return "it is not owned by root";
	if (status->st_mode & (S_IWGRP | S_IWOTH))
		return "others than root may write it";
	return NULL;
}

/*
 * Is it a shared object of this machine whose segments lie inside the file? Where one does not,
 * dlopen(3) would end the process with SIGBUS.
 */
static bool is_shared_object(int fd, off_t file_bytes)
{
	ElfW(Ehdr) header;
	ElfW(Phdr) segments[PROGRAM_HEADERS_MAX];
	size_t n_bytes;

	if (pread(fd, &header, sizeof(header), 0) != (ssize_t)sizeof(header))
		return false;
	if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
	    header.e_ident[EI_CLASS] != NATIVE_CLASS || header.e_type != ET_DYN ||
	    header.e_phentsize != sizeof(*segments) || header.e_phnum > PROGRAM_HEADERS_MAX)
		return false;
	n_bytes = header.e_phnum * sizeof(*segments);
	if (pread(fd, segments, n_bytes, (off_t)header.e_phoff) != (ssize_t)n_bytes)
		return false;
	for (size_t i = 0; i < header.e_phnum; i++) {
		uint64_t end;

		if (__builtin_add_overflow((uint64_t)segments[i].p_offset,
					   (uint64_t)segments[i].p_filesz, &end) ||
		    end > (uint64_t)file_bytes)
			return false;
	}
	return true;
}

/* What dlopen(3) says, without the name that only means something to us. */
static const char *load_error(const char *path)
{
	const char *text = dlerror();
	size_t length = strlen(path);

	if (!text)
		return "it cannot be loaded";
	if (strncmp(text, path, length) == 0 && strncmp(text + length, ": ", 2) == 0)
		return text + length + 2;
	return text;
}

static int add_plugin(struct loader *loader, const struct hm_plugin *plugin)
{
	const struct hm_plugin **plugins = reallocarray(
		(void *)loader->plugins, loader->n_plugins + 1, sizeof(const struct hm_plugin *));

	if (!plugins)
		return -ENOMEM;
	plugins[loader->n_plugins++] = plugin;
	loader->plugins = plugins;
	return 0;
}

/* @return the name of a metric that both have, or NULL */
static const char *find_common_metric(const struct hm_plugin *left, const struct hm_plugin *right)
{
	for (size_t i = 0; i < left->n_metrics; i++) {
		for (size_t j = 0; j < right->n_metrics; j++) {
			if (strcmp(left->metrics[i].name, right->metrics[j].name) == 0)
				return left->metrics[i].name;
		}
	}
	return NULL;
}

/* Two plugins with one metric would give its series two values: the first one keeps it. */
static bool refuse_common_metric(struct loader *loader, const char *file,
				 const struct hm_plugin *plugin)
{
	for (size_t i = 0; i < loader->n_plugins; i++) {
		const char *metric = find_common_metric(plugin, loader->plugins[i]);

		if (!metric)
			continue;
		refuse(loader, plugin->name, false, "plugin %s has its metric '%s' already (in %s)",
		       loader->plugins[i]->name, metric, file);
		return true;
	}
	return false;
}

/* @param file  the object's name */
static int take_plugin(struct loader *loader, const char *file, const struct hm_plugin *plugin)
{
	char reason[CONTRACT_REASON_MAX_BYTES];

	if (!plugin || !contract_has_name(plugin)) {
		refuse(loader, file, true, "a plugin in it has no valid name");
		return 0;
	}
	if (contract_check(plugin, reason) < 0) {
		refuse(loader, plugin->name, false, "%s (in %s)", reason, file);
		return 0;
	}
	if (loader_find(loader, plugin->name)) {
		refuse(loader, plugin->name, false, "there is another of that name (in %s)", file);
		return 0;
	}
	if (refuse_common_metric(loader, file, plugin))
		return 0;
	if (loader->n_plugins == LOADER_PLUGINS_MAX) {
		refuse(loader, plugin->name, false, "there are too many plugins (in %s)", file);
		return 0;
	}
	return add_plugin(loader, plugin);
}

/* @return 0, -EINVAL when the object is refused, -ENOMEM */
static int take_list(struct loader *loader, const char *file, void *handle)
{
	const struct hm_plugin_list *list = dlsym(handle, HM_PLUGIN_LIST_SYMBOL);
	int result = 0;

	if (!list) {
		refuse(loader, file, true, "it is no plugin: it does not export %s",
		       HM_PLUGIN_LIST_SYMBOL);
		return -EINVAL;
	}
	if (list->abi != HM_PLUGIN_ABI) {
		refuse(loader, file, true, "it was built for ABI %u, this agent has %u",
		       (unsigned)list->abi, (unsigned)HM_PLUGIN_ABI);
		return -EINVAL;
	}
	if (!list->begin || list->end <= list->begin) {
		refuse(loader, file, true, "its list of plugins is empty");
		return -EINVAL;
	}
	for (const struct hm_plugin *const *at = list->begin; at < list->end && result == 0; at++)
		result = take_plugin(loader, file, *at);
	return result;
}

/* Load what was checked: by its descriptor, so that nobody can exchange it in between. */
static int load_object(struct loader *loader, const char *file, int fd)
{
	struct loader_object *objects =
		reallocarray(loader->objects, loader->n_objects + 1, sizeof(*objects));
	char path[sizeof("/proc/self/fd/") + 16];
	struct loader_object object = {.fd = fd};
	int result;

	if (!objects)
		return -ENOMEM;
	loader->objects = objects;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	object.handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!object.handle) {
		refuse(loader, file, true, "%s", load_error(path));
		return -EINVAL;
	}
	result = take_list(loader, file, object.handle);
	if (result < 0)
		dlclose(object.handle);
	else
		loader->objects[loader->n_objects++] = object;
	return result;
}

static int open_object(struct loader *loader, const char *file, int fd)
{
	struct stat status;
	const char *distrust;

	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode)) {
		refuse(loader, file, true, "it is not a regular file");
		return -EINVAL;
	}
	distrust = loader->is_privileged ? find_distrust(&status) : NULL;
	if (distrust) {
		refuse(loader, file, true, "%s, and the agent runs as root", distrust);
		return -EINVAL;
	}
	if (!is_shared_object(fd, status.st_size)) {
		refuse(loader, file, true, "it is not a whole shared object of this machine");
		return -EINVAL;
	}
	return load_object(loader, file, fd);
}

/* @return 0, also when the object is refused; -ENOMEM */
static int take_object(struct loader *loader, int folder_fd, const char *file)
{
	/* O_NONBLOCK: a FIFO must not stop us. */
	int fd = openat(folder_fd, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	int result;

	if (fd < 0) {
		if (errno == ELOOP)
			refuse(loader, file, true, "it is a symbolic link");
		else
			refuse(loader, file, true, "%s", strerror(errno));
		return 0;
	}
	if (loader->n_objects == LOADER_OBJECTS_MAX) {
		refuse(loader, file, true, "there are too many objects");
		result = -EINVAL;
	} else {
		result = open_object(loader, file, fd);
	}
	if (result < 0)
		close(fd);
	return result == -ENOMEM ? result : 0;
}

static int is_object_name(const struct dirent *entry)
{
	return fnmatch(OBJECT_PATTERN, entry->d_name, FNM_PERIOD) == 0;
}

static int compare_names(const struct dirent **left, const struct dirent **right)
{
	return strcmp((*left)->d_name, (*right)->d_name);
}

static int take_folder(struct loader *loader, int folder_fd)
{
	struct dirent **entries = NULL;
	int n_entries = scandirat(folder_fd, ".", &entries, is_object_name, compare_names);
	int result = 0;

	if (n_entries < 0)
		return -errno;
	for (int i = 0; i < n_entries; i++) {
		if (result == 0)
			result = take_object(loader, folder_fd, entries[i]->d_name);
		free(entries[i]);
	}
	free((void *)entries);
	return result;
}

int loader_open(struct loader *loader, const char *folder, bool is_privileged,
		const char **ret_reason)
{
	int folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const char *distrust = NULL;
	struct stat status;
	int result;

	*loader = (struct loader){.is_privileged = is_privileged};
	if (folder_fd < 0 || fstat(folder_fd, &status) < 0) {
		result = -errno;
		goto out;
	}
	distrust = is_privileged ? find_distrust(&status) : NULL;
	result = distrust ? -EPERM : take_folder(loader, folder_fd);
out:
	if (folder_fd >= 0)
		close(folder_fd);
	if (result < 0) {
		*ret_reason = distrust ? distrust : strerror(-result);
		loader_close(loader);
	}
	return result;
}

void loader_close(struct loader *loader)
{
	for (size_t i = 0; i < loader->n_objects; i++) {
		dlclose(loader->objects[i].handle);
		close(loader->objects[i].fd);
	}
	for (size_t i = 0; i < loader->n_refusals; i++) {
		free(loader->refusals[i].name);
		free(loader->refusals[i].reason);
	}
	free(loader->objects);
	free(loader->refusals);
	free((void *)loader->plugins);
	*loader = (struct loader){0};
}

const struct hm_plugin *loader_find(const struct loader *loader, const char *name)
{
	for (size_t i = 0; i < loader->n_plugins; i++) {
		if (strcmp(loader->plugins[i]->name, name) == 0)
			return loader->plugins[i];
	}
	return NULL;
}

bool loader_may_have_refused(const struct loader *loader, const char *name)
{
	for (size_t i = 0; i < loader->n_refusals; i++) {
		if (loader->refusals[i].is_object || strcmp(loader->refusals[i].name, name) == 0)
			return true;
	}
	return false;
}
