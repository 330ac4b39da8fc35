/* SPDX-License-Identifier: MIT */
/* The daemon that is asked: which socket, and why it cannot be reached. */

#include "agent/ctl/target.h"

#include <bsd/string.h>
#include <errno.h>
#include <grp.h>
#include <libgen.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "hostmetrics/control.h"

void target_init(struct target *target, enum verb_scope scope, const char *socket)
{
	memset(target, 0, sizeof(*target));
	target->client.fd = -1;
	if (socket) {
		target->paths[target->n_paths++] = socket;
	} else {
		if (scope != VERB_AGENT)
			target->paths[target->n_paths++] = HM_COLLECTOR_SOCKET;
		target->paths[target->n_paths++] = HM_AGENT_SOCKET;
	}
	target->path = target->paths[0];
}

/* Is there no daemon at all, rather than one that does not let us in? */
static bool is_absent(int error)
{
	return error == -ENOENT || error == -ECONNREFUSED || error == -ENOTDIR;
}

int target_open(struct target *target)
{
	int first_error = 0;

	if (target_is_open(target))
		return 0;
	for (size_t i = 0; i < target->n_paths; i++) {
		int error;

		target->path = target->paths[i];
		error = client_open(&target->client, target->path);
		if (error == 0) {
			target->paths[0] = target->path;
			target->n_paths = 1;
			return 0;
		}
		if (!is_absent(error))
			return error;
		if (first_error == 0)
			first_error = error;
	}
	/* What is missed is the daemon that is asked first. */
	target->path = target->paths[0];
	return first_error;
}

bool target_is_open(const struct target *target)
{
	return target->client.fd >= 0;
}

void target_close(struct target *target)
{
	client_close(&target->client);
}

/* The command that shows how the daemon is. */
static const char *status_command(const struct target *target)
{
	if (target->n_paths > 1)
		return "systemctl status hostmetrics-collector hostmetrics-agent";
	if (strcmp(target->path, HM_COLLECTOR_SOCKET) == 0)
		return "systemctl status hostmetrics-collector";
	if (strcmp(target->path, HM_AGENT_SOCKET) == 0)
		return "systemctl status hostmetrics-agent";
	return "systemctl status hostmetrics-agent hostmetrics-collector";
}

static void explain_absent(const struct target *target, int error, struct buffer *out)
{
	struct stat status;

	if (error == -ECONNREFUSED && stat(target->path, &status) == 0 &&
	    !S_ISSOCK(status.st_mode)) {
		buffer_printf(out, "%s is not a socket", target->path);
		return;
	}
	if (error == -ECONNREFUSED)
		buffer_printf(out, "nobody listens at %s any more", target->path);
	else
		buffer_printf(out, "there is no socket %s", target->path);
	for (size_t i = 1; i < target->n_paths; i++)
		buffer_printf(out, ", nor a daemon at %s", target->paths[i]);
	buffer_printf(out,
		      ". Is the daemon running? Ask `%s`; a daemon started by hand has its socket "
		      "where its --socket says",
		      status_command(target));
}

/* The group that owns the path, or the folder that keeps us from it. */
static bool find_group(const char *path, gid_t *ret_gid)
{
	char folder[PATH_MAX];
	struct stat status;

	if (stat(path, &status) == 0) {
		*ret_gid = status.st_gid;
		return true;
	}
	if (strlcpy(folder, path, sizeof(folder)) >= sizeof(folder) ||
	    stat(dirname(folder), &status) < 0)
		return false;
	*ret_gid = status.st_gid;
	return true;
}

static void explain_permission(const struct target *target, struct buffer *out)
{
	const struct group *group;
	gid_t gid;

	buffer_printf(out, "permission denied for %s", target->path);
	if (!find_group(target->path, &gid)) {
		buffer_append_text(out, ": run agentctl as root");
		return;
	}
	group = getgrgid(gid);
	if (gid == 0 || !group) {
		buffer_printf(out, ": only root and group %u may use it; run agentctl as root",
			      (unsigned int)gid);
		return;
	}
	buffer_printf(out,
		      ": it belongs to the group '%s'. Join that (usermod -aG %s USER, then log in "
		      "again), or run agentctl as root",
		      group->gr_name, group->gr_name);
}

void target_explain(const struct target *target, int error, struct buffer *out)
{
	switch (error) {
	case -ENOENT:
	case -ENOTDIR:
	case -ECONNREFUSED:
		explain_absent(target, error, out);
		return;
	case -EACCES:
	case -EPERM:
		explain_permission(target, out);
		return;
	case -ETIMEDOUT:
		buffer_printf(out,
			      "the daemon at %s does not answer: it is stopped or has too much to "
			      "do. Ask `%s`",
			      target->path, status_command(target));
		return;
	case -ECONNRESET:
	case -EPIPE:
		buffer_printf(out,
			      "the daemon at %s ended the connection without an answer. Ask `%s`",
			      target->path, status_command(target));
		return;
	case -ECONNABORTED:
		buffer_printf(out,
			      "the daemon at %s ended in the middle of its answer, which is not "
			      "whole. Ask `%s`",
			      target->path, status_command(target));
		return;
	case -EPROTO:
		buffer_printf(out, "the answer from %s makes no sense", target->path);
		return;
	case -ENAMETOOLONG:
		buffer_printf(out,
			      "the path %s is too long for a socket, which holds 107 bytes: use a "
			      "relative one",
			      target->path);
		return;
	default:
		buffer_printf(out, "cannot reach %s: %s", target->path, strerror(-error));
	}
}
