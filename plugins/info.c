/* SPDX-License-Identifier: MIT */
/* Metrics that are always 1 and say by their labels what a device is. */

#include "plugins/info.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void read_text(int fd, char text[static INFO_TEXT_MAX])
{
	(void)hm_read_string(fd, text, INFO_TEXT_MAX);
	hm_trim(text);
	hm_label_clean(text, INFO_TEXT_MAX);
}

static void info_open(struct info *info, const struct hm_host *host, const struct hm_metric *metric,
		      const char *folder, const char *device, const struct info_file files[])
{
	*info = (struct info){.metric = metric};
	(void)snprintf(info->device, sizeof(info->device), "%s", device);
	for (; files[info->n_files].name && info->n_files < INFO_FILES_MAX; info->n_files++) {
		const struct info_file *file = &files[info->n_files];
		int *fd = &info->fds[info->n_files];
		char path[256];
		int length = snprintf(path, sizeof(path), "%s/%s", folder, file->name);

		*fd = length > 0 && (size_t)length < sizeof(path) ? hm_open(host, path) : -ENOENT;
		if (hm_is_passing(*fd))
			info->error = *fd;
		if (*fd < 0 || file->is_changing)
			continue;
		read_text(*fd, info->texts[info->n_files]);
		close(*fd);
		*fd = -1;
	}
}

static void info_emit(struct info *info, struct hm_batch *out)
{
	const char *labels[INFO_FILES_MAX + 2] = {info->device};

	for (size_t i = 0; i < info->n_files; i++) {
		if (info->fds[i] >= 0)
			read_text(info->fds[i], info->texts[i]);
		labels[i + 1] = info->texts[i];
	}
	if (info->error < 0)
		hm_emit_missing_labels(out, info->metric, info->error, labels);
	else
		hm_emit_labels(out, info->metric, 1, labels);
}

static void info_close(struct info *info)
{
	for (size_t i = 0; i < info->n_files; i++) {
		if (info->fds[i] >= 0)
			close(info->fds[i]);
	}
	*info = (struct info){0};
}

int infos_add(struct infos *infos, const struct hm_host *host, const struct hm_metric *metric,
	      const char *folder, const char *device, const struct info_file files[])
{
	struct info *list = reallocarray(infos->list, infos->n + 1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	infos->list = list;
	info_open(&list[infos->n++], host, metric, folder, device, files);
	return 0;
}

void infos_emit(const struct infos *infos, struct hm_batch *out)
{
	for (size_t i = 0; i < infos->n; i++)
		info_emit(&infos->list[i], out);
}

void infos_close(struct infos *infos)
{
	for (size_t i = 0; i < infos->n; i++)
		info_close(&infos->list[i]);
	free(infos->list);
	*infos = (struct infos){.n = 0};
}
