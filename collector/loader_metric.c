/* SPDX-License-Identifier: MIT */
/* The loader's reading of one metric's file. */

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "collector/loader_part.h"
#include "common/log_file.h"
#include "common/message.h"
#include "common/text.h"

/* A front that so many segments of the log followed is told in two of them, and was used. */
#define RECENT_SEGMENTS 4

#define SERIES_MIN_BYTES 2 /* of one in a SERIES block */

static bool is_valid_name(const char *name, size_t length, size_t max_bytes)
{
	return length > 0 && length <= max_bytes && text_is_clean(name, length);
}

/* A host that only its files know: the log is lost. */
int loader_adopt_host(struct engine *engine, struct catalog_host *host)
{
	const struct disk *disk = engine->options.disk;
	int result = 0;

	if (host->number != 0)
		return 0;
	if (!host->has_agent)
		result = disk->random(disk->context, host->id, HM_ID_BYTES);
	if (result == 0)
		result = id_map_set(&engine->hosts, engine->next_number, host);
	if (result == 0)
		host->number = engine->next_number++;
	return result;
}

/* Begin with host and metric of the header. */
static int on_header(void *context, const struct store_file_header *header)
{
	struct loader *loader = context;
	int result;

	if (!is_valid_name(header->host, header->host_length, HM_HOST_NAME_MAX_BYTES) ||
	    !is_valid_name(header->metric, header->metric_length, HM_METRIC_NAME_MAX_BYTES) ||
	    !store_path_fits(loader->folder, loader->reading->name, header))
		return -EXDEV;
	if (memcmp(header->store_id, loader->engine->store_id, HM_ID_BYTES) != 0)
		return -EREMOTE;
	buffer_clear(&loader->text);
	buffer_append(&loader->text, header->host, header->host_length);
	buffer_append_byte(&loader->text, '\0');
	buffer_append(&loader->text, header->metric, header->metric_length);
	buffer_append_byte(&loader->text, '\0');
	buffer_append_byte(&loader->text, '\0');
	if (buffer_failed(&loader->text))
		return -ENOMEM;
	loader->identity = (struct identity){
		.text = loader->text.data,
		.host_length = header->host_length,
		.metric_length = header->metric_length,
	};
	result = catalog_get_file(&loader->engine->catalog, &loader->identity, &loader->file);
	if (result == 0)
		result = loader_adopt_host(loader->engine, loader->file->host);
	if (result == 0)
		result = catalog_describe(&loader->engine->catalog, loader->file, header->kind,
					  header->unit, header->unit_length);
	loader->file->has_new_meta = false;
	loader->host = loader->file->host;
	return result;
}

static int on_series(void *context, const struct store_file_series *named)
{
	struct loader *loader = context;
	struct identity *identity = &loader->identity;
	struct catalog_series *series;
	const void *known;

	if (named->id >= ID_MAP_MAX || named->labels_length > UINT16_MAX ||
	    !text_is_clean(named->labels, named->labels_length))
		return 0;
	loader->text.length = identity->host_length + identity->metric_length + 2;
	buffer_append(&loader->text, named->labels, named->labels_length);
	buffer_append_byte(&loader->text, '\0');
	if (buffer_failed(&loader->text))
		return -ENOMEM;
	identity->text = loader->text.data;
	identity->labels_length = named->labels_length;
	identity->hash = hash_bytes(&loader->engine->catalog.key, identity->text,
				    identity_text_bytes(identity));
	series = catalog_find(&loader->engine->catalog, identity);
	known = id_map_get(&loader->known, named->id);
	/* A part that could not be read for a while, and in which the number means something else. */
	if (known && known != series)
		return -EXDEV;
	if (!series) {
		int result = catalog_add(&loader->engine->catalog, identity, named->id, &series);

		/* More series than may be: these stay unnamed; the daemon starts all the same. */
		if (result == -ENOSPC)
			return 0;
		if (result < 0)
			return result;
	}
	if (id_map_set(&loader->known, named->id, series) < 0)
		return -ENOMEM;
	if (series->id != named->id)
		return 0;
	catalog_set_declared(series, loader_side(loader->reading), 1);
	return id_map_set(&loader->ids, named->id, series);
}

static int on_meta(void *context, const struct store_file_meta *meta)
{
	struct loader *loader = context;
	int result = catalog_describe(&loader->engine->catalog, loader->file, meta->kind,
				      meta->unit, meta->unit_length);

	loader->file->has_new_meta = false;
	return result;
}

static int on_last(void *context, uint32_t series_id, const struct metric_file_sample *sample)
{
	struct loader *loader = context;
	struct catalog_series *series = id_map_get(&loader->ids, series_id);
	bool is_odd = loader->reading->says.is_odd;

	if (series && (is_odd || sample->time_us >= loader->host->horizon_us))
		catalog_note(series, sample->time_us, sample->value, is_odd);
	return 0;
}

static int on_damage(void *context, uint64_t offset, uint64_t length_bytes)
{
	struct loader *loader = context;

	loader->result.n_damaged_ranges++;
	loader->n_damaged++;
	loader->damaged_bytes += length_bytes;
	message_warning("%s/%s: %" PRIu64 " damaged bytes from byte %" PRIu64 " on are passed over",
			loader->folder, loader->reading->name, length_bytes, offset);
	return 0;
}

/* Was the front written so late that what lies before it may not have been given back? */
static bool is_recent(const struct recovery *recovery, uint64_t position)
{
	uint64_t segment = log_position_segment(position);

	return recovery->n_segments > 0 &&
	       segment + RECENT_SEGMENTS > recovery->segments[recovery->n_segments - 1];
}

static int on_front(void *context, uint64_t front_bytes, uint64_t position)
{
	struct loader *loader = context;
	const struct found *found = loader->reading;
	struct catalog_trim *trim = catalog_get_trim(&loader->file->data[loader_side(found)]);

	if (!trim)
		return -ENOMEM;
	loader->has_front = true;
	trim->front_part = found->says.part;
	trim->front_bytes = front_bytes;
	if (is_recent(loader->recovery, position))
		return loader_release(loader, found, front_bytes);
	trim->released_bytes = front_bytes;
	return 0;
}

/* What is deleted of it, and of the parts before. */
static int note_tombstones(struct loader *loader)
{
	struct catalog_trim *trim;

	if (loader->tombstones.n == 0)
		return 0;
	trim = catalog_get_trim(&loader->file->data[loader_side(loader->reading)]);
	if (!trim)
		return -ENOMEM;
	trim->tombstones.n = 0;
	return tombstones_add_all(&trim->tombstones, &loader->tombstones);
}

static void on_allocated(void *context, uint64_t n_bytes)
{
	struct loader *loader = context;

	loader->n_sectors = 0;
	usage_add_file(&loader->host->usage);
	usage_set(&loader->host->usage, &loader->n_sectors, n_bytes);
}

/* Where a part of a file ends; the last one, which is read first, is gone on with. */
static int note_end(struct loader *loader, const struct metric_file_end *end)
{
	struct catalog_data *data = &loader->file->data[loader_side(loader->reading)];
	struct catalog_part part = {end->part, loader->n_sectors, end->continues_bytes,
				    end->length_bytes};

	if (note_tombstones(loader) < 0)
		return -ENOMEM;
	if (loader->has_end)
		return catalog_add_part(data, &part);
	data->end = *end;
	data->n_sectors = loader->n_sectors;
	return 0;
}

/* A file of which it is not known what the disk has goes on in its next part. Where it is not the last
 * one, it has been left already. */
static int leave_doubtful(struct loader *loader, bool is_lossy)
{
	const struct found *found = loader->reading;
	const struct cut *cut = cuts_find(&loader->recovery->cuts, loader->host, found->name);
	bool is_doubtful = cut && cut->is_doubtful;

	if ((!is_doubtful && !is_lossy) || loader->has_end)
		return 0;
	/* What is whole in it counts, also should the device give more of it one day. */
	return catalog_begin_part(&loader->engine->catalog, loader->file, loader_side(found),
				  cut ? cut->length_bytes : FILE_NAME_ALL);
}

/* The position behind all that the log has or ever said to have. */
static uint64_t log_end(const struct recovery *recovery)
{
	uint64_t end = recovery->durable > recovery->end ? recovery->durable : recovery->end;

	return end > 0 ? end : 1;
}

/*
 * Load a file; where the device does not give some of it, and was waited for, what it gives. That is not appended to: it goes
 * on in a part.
 * @return as metric_file_load(); 1: loaded, and something was not given
 */
static int load_blocks(struct loader *loader, struct metric_file_place *place,
		       struct metric_file_end *ret_end, uint64_t *ret_position)
{
	static const struct metric_file_visitor visit = {
		.header = on_header,
		.series = on_series,
		.meta = on_meta,
		.last = on_last,
		.damage = on_damage,
		.front = on_front,
		.allocated = on_allocated,
	};
	struct metric_file_visitor visitor = visit;
	const struct disk *disk = loader->engine->options.disk;
	uint64_t n_damaged = loader->result.n_damaged_ranges;
	int result;

	visitor.context = loader;
	visitor.tombstones = &loader->tombstones;
	result = metric_file_load(disk, place, loader->decoder, &visitor, ret_end, ret_position);
	if (!disk_is_withheld(result) || engine_awaits_disk(loader->engine))
		return result;
	/* What was told is told again. */
	loader->result.n_damaged_ranges = n_damaged;
	loader->n_damaged = 0;
	loader->damaged_bytes = 0;
	loader->has_front = false;
	place->passes_bad_sectors = true;
	result = metric_file_load(disk, place, loader->decoder, &visitor, ret_end, ret_position);
	return result < 0 ? result : 1;
}

/* Series whose names and samples are all in what the device does not give: should it do so one day, their
 * numbers are not to name others. */
static void skip_numbers(struct loader *loader)
{
	uint64_t next_id = loader->file->next_id + loader->damaged_bytes / SERIES_MIN_BYTES;

	if (next_id < ID_MAP_MAX)
		loader->file->next_id = (uint32_t)next_id;
}

void loader_place(struct loader *loader, int folder, const struct found *found,
		  struct metric_file_place *ret_place)
{
	struct metric_file_place place = {
		.folder = folder,
		.path = found->name,
		.length_bytes = FILE_NAME_ALL,
		.position_max = UINT64_MAX,
	};

	if (store_path_expect(&loader->expected, loader->engine->store_id, loader->folder,
			      found->name) == 0)
		place.expected = &loader->expected.header;
	/* Where the log says nothing of the host, all that is whole counts; where it ends before what
	 * a file has, that as well. */
	if (loader->is_logged) {
		place.position_max = loader->checkpoint;
		place.lost_from = log_end(loader->recovery);
	}
	*ret_place = place;
}

int loader_load_metric(struct loader *loader, int folder, const struct found *found)
{
	struct metric_file_place place;
	struct metric_file_end end;
	uint64_t position;
	bool is_lossy;
	int result;

	loader_place(loader, folder, found, &place);
	place.length_bytes = loader->limit_bytes;
	loader->reading = found;
	loader->n_damaged = 0;
	loader->damaged_bytes = 0;
	result = load_blocks(loader, &place, &end, &position);
	if (result < 0)
		return result;
	is_lossy = result == 1;
	/* Ids whose names are lost shall not name something else. */
	if (end.next_series_id > loader->file->next_id)
		loader->file->next_id = end.next_series_id;
	if (is_lossy)
		skip_numbers(loader);
	loader->file->data[loader_side(found)].n_damaged += loader->n_damaged;
	result = note_end(loader, &end);
	if (result == 0)
		result = leave_doubtful(loader, is_lossy);
	loader->has_end = true;
	loader->result.n_bytes += end.length_bytes;
	if (position > loader->result.position)
		loader->result.position = position;
	if (position > loader->host->checkpoint)
		loader->host->checkpoint = position;
	return result;
}
