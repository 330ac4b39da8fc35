/* SPDX-License-Identifier: MIT */
#ifndef HOSTMETRICS_TASK_H
#define HOSTMETRICS_TASK_H

/*
 * What may never return, for plugins: statfs(2) on a network file system, a device that does not answer. It is done by a
 * process beside the agent's, and waited for a short while only. One that does not return keeps that one process, for as long as
 * it takes, and is not done again meanwhile; all others go on. A process and no thread: the kernel lets none end whose
 * threads wait for such an answer.
 */

#include <stdint.h>

#include "hostmetrics/plugin.h"

/* A task has at most so much memory. */
#define HM_TASK_MAX_BYTES 8192

/* Some tasks and the processes that do them: as a rule one, while there are tasks to do. */
struct hm_tasks;

/* One of them, done in each round. */
struct hm_task;

/* @return 0 or -ENOMEM */
HM_API int hm_tasks_new(struct hm_tasks **ret_tasks);

/* Forget them all; a process whose task has not returned ends when it does. Takes NULL. */
HM_API void hm_tasks_free(struct hm_tasks *tasks);

/*
 * @param run     gets a copy of the task's memory, in the other process: what it changes there is what hm_task_result() shows. It may
 * do system calls, and nothing else: no memory is taken, no lock, and all descriptors are closed
 * @param memory  copied; without pointers
 * @return 0; -EMSGSIZE: more than HM_TASK_MAX_BYTES; -ENOMEM
 */
HM_API int hm_task_add(struct hm_tasks *tasks, int (*run)(void *memory), const void *memory,
		       size_t n_bytes, struct hm_task **ret_task);

/* As hm_tasks_free() for one. */
HM_API void hm_task_remove(struct hm_tasks *tasks, struct hm_task *task);

/*
 * Do all tasks once, but those that have not returned yet, and wait until they have.
 * @param timeout_us  so long at most, all together
 */
HM_API void hm_tasks_run(struct hm_tasks *tasks, int64_t timeout_us);

/*
 * What became of a task in the last hm_tasks_run().
 * @param ret_memory  what its run() left, borrowed until the next one; only where it returned
 * @return what its run() returned; -ETIMEDOUT: it did not, in time; -EIO: its process was killed
 */
HM_API int hm_task_result(const struct hm_task *task, const void **ret_memory);

#endif
