/* SPDX-License-Identifier: MIT */
/* The samples of one turn of a reactor. */

#include "collector/bundle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CAPACITY_FIRST 256

/* A turn that brought much shall not keep its memory for ever. */
#define KEEP_BYTES ((size_t)4 << 20)

void bundle_init(struct bundle *bundle, const struct hash_key *key, struct rejects *rejects)
{
	*bundle = (struct bundle){.key = *key, .rejects = rejects};
}

void bundle_done(struct bundle *bundle)
{
	free(bundle->samples);
	bundle->samples = NULL;
	bundle->n_samples = 0;
	bundle->capacity = 0;
	buffer_done(&bundle->text);
}

static int make_room(struct bundle *bundle)
{
	size_t capacity = bundle->capacity ? bundle->capacity * 2 : CAPACITY_FIRST;
	struct bundle_sample *samples;

	if (bundle->n_samples < bundle->capacity)
		return 0;
	samples = reallocarray(bundle->samples, capacity, sizeof(*samples));
	if (!samples)
		return -ENOMEM;
	bundle->samples = samples;
	bundle->capacity = capacity;
	return 0;
}

/* Append all texts of a sample and fill in their lengths. */
static enum hm_reason append_texts(struct bundle *bundle, const struct line *line,
				   const struct series_text *host, const struct bundle_meta *meta,
				   struct bundle_sample *sample)
{
	struct buffer *text = &bundle->text;
	size_t start = text->length;
	size_t labels_start;

	if (start > UINT32_MAX)
		return HM_REASON_NO_MEMORY;
	sample->text_offset = (uint32_t)start;
	sample->host_length = (uint16_t)host->length;
	sample->metric_length = (uint16_t)line->series.metric.length;
	sample->unit_length = (uint8_t)meta->unit_length;
	sample->kind = (uint8_t)meta->kind;

	buffer_append(text, host->start, host->length);
	buffer_append_byte(text, '\0');
	buffer_append(text, line->series.metric.start, line->series.metric.length);
	buffer_append_byte(text, '\0');
	labels_start = text->length;
	series_format_labels(&line->series, text);
	if (text->length - labels_start > UINT16_MAX)
		return HM_REASON_BAD_LABELS;
	sample->labels_length = (uint16_t)(text->length - labels_start);
	if (!buffer_failed(text))
		sample->hash = hash_bytes(&bundle->key, text->data + start, text->length - start);
	buffer_append_byte(text, '\0');
	if (meta->unit_length > 0)
		buffer_append(text, meta->unit, meta->unit_length);
	buffer_append_byte(text, '\0');
	return buffer_failed(text) ? HM_REASON_NO_MEMORY : HM_REASON_NONE;
}

/* Append what the series will be known by. */
static void append_name(struct bundle *bundle, struct series_text name, const char *default_host,
			struct bundle_sample *sample)
{
	size_t host_length = strlen(default_host);

	if (!bundle->names || name.length + host_length > NAME_CACHE_NAME_MAX_BYTES)
		return;
	buffer_append(&bundle->text, default_host, host_length);
	buffer_append(&bundle->text, name.start, name.length);
	if (buffer_failed(&bundle->text))
		return;
	sample->default_host_length = (uint16_t)host_length;
	sample->name_length = (uint16_t)name.length;
}

enum hm_reason bundle_add(struct bundle *bundle, const struct line *line, const char *default_host,
			  const struct bundle_meta *meta)
{
	struct bundle_sample sample = {.time_us = line->time_us, .value = line->value};
	size_t text_length = bundle->text.length;
	struct series_text host = line->host;
	enum hm_reason reason;

	if (!host.start)
		host = (struct series_text){default_host, strlen(default_host)};
	if (host.length == 0 || host.length > HM_HOST_NAME_MAX_BYTES ||
	    line->series.metric.length > HM_METRIC_NAME_MAX_BYTES ||
	    meta->unit_length > BUNDLE_UNIT_MAX_BYTES)
		return HM_REASON_BAD_NAME;
	if (make_room(bundle) < 0)
		return HM_REASON_NO_MEMORY;

	reason = append_texts(bundle, line, &host, meta, &sample);
	if (reason == HM_REASON_NONE)
		append_name(bundle, line->name, default_host, &sample);
	if (reason != HM_REASON_NONE) {
		bundle->text.length = text_length;
		bundle->text.failed = false;
		return reason;
	}
	bundle->samples[bundle->n_samples++] = sample;
	return HM_REASON_NONE;
}

/* Add the sample of the line that was skimmed. */
static bool add_skimmed(struct bundle *bundle, struct catalog_series *series)
{
	if (!series || make_room(bundle) < 0)
		return false;
	bundle->samples[bundle->n_samples++] = (struct bundle_sample){
		.series = series,
		.time_us = bundle->skimmed.time_us,
		.value = bundle->skimmed.value,
	};
	return true;
}

bool bundle_add_known(struct bundle *bundle, const char *text, size_t length,
		      struct series_text default_host)
{
	struct line_skimmed *skimmed = &bundle->skimmed;

	if (!bundle->names || !line_skim(skimmed, text, length, bundle->now_us))
		return false;
	return add_skimmed(bundle, name_cache_find(bundle->names, default_host, skimmed->name));
}

size_t bundle_add_expected(struct bundle *bundle, const char *text, size_t length,
			   struct series_text default_host)
{
	struct series_text name;
	size_t n_taken;

	if (!bundle->names || !name_cache_expect(bundle->names, default_host, &name))
		return 0;
	n_taken = line_skim_expected(&bundle->skimmed, text, length, name);
	if (n_taken == 0 || !add_skimmed(bundle, name_cache_go_on(bundle->names)))
		return 0;
	return n_taken;
}

static void keep_names(struct bundle *bundle)
{
	for (size_t i = 0; i < bundle->n_samples; i++) {
		const struct bundle_sample *sample = &bundle->samples[i];
		struct series_text host;
		struct series_text name;

		if (sample->name_length == 0 || !sample->series)
			continue;
		host.start = bundle_unit(bundle, sample) + sample->unit_length + 1;
		host.length = sample->default_host_length;
		name.start = host.start + host.length;
		name.length = sample->name_length;
		name_cache_add(bundle->names, host, name, sample->series);
	}
}

void bundle_clear(struct bundle *bundle)
{
	if (bundle->names && bundle->has_old_names)
		name_cache_clear(bundle->names);
	bundle->has_old_names = false;
	if (bundle->names)
		keep_names(bundle);
	if (bundle->text.capacity + bundle->capacity * sizeof(*bundle->samples) > KEEP_BYTES)
		bundle_done(bundle);
	bundle->n_samples = 0;
	buffer_clear(&bundle->text);
}

size_t bundle_bytes(const struct bundle *bundle)
{
	return bundle->text.length + bundle->n_samples * sizeof(*bundle->samples);
}

struct identity bundle_identity(const struct bundle *bundle, const struct bundle_sample *sample)
{
	return (struct identity){
		.hash = sample->hash,
		.text = bundle->text.data + sample->text_offset,
		.host_length = sample->host_length,
		.metric_length = sample->metric_length,
		.labels_length = sample->labels_length,
	};
}

const char *bundle_unit(const struct bundle *bundle, const struct bundle_sample *sample)
{
	struct identity identity = bundle_identity(bundle, sample);

	return identity.text + identity_text_bytes(&identity) + 1;
}
