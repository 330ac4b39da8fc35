/* SPDX-License-Identifier: MIT */
#ifndef PLUGINS_ZFS_FIELDS_H
#define PLUGINS_ZFS_FIELDS_H

/*
 * What the files of /proc/spl/kstat/zfs have had from OpenZFS 0.7 to 2.4, in the order of the newest one that has it, and for
 * people: C() counts, G() goes up and down. A '-' in a name is a '_' here.
 */

/* clang-format off */
#define ZFS_ABD_FIELDS(C, G) \
	G(struct_size) G(linear_cnt) G(linear_data_size) G(scatter_cnt) G(scatter_data_size) \
	G(scatter_chunk_waste) G(scatter_order_0) G(scatter_order_1) G(scatter_order_2) \
	G(scatter_order_3) G(scatter_order_4) G(scatter_order_5) G(scatter_order_6) \
	G(scatter_order_7) G(scatter_order_8) G(scatter_order_9) G(scatter_order_10) \
	G(scatter_page_multi_chunk) G(scatter_page_multi_zone) C(scatter_page_alloc_retry) \
	C(scatter_sg_table_retry)

#define ZFS_ARC_FIELDS(C, G) \
	C(hits) C(misses) C(demand_data_hits) C(demand_data_misses) C(demand_metadata_hits) \
	C(demand_metadata_misses) G(duplicate_buffers) G(duplicate_buffers_size) \
	C(duplicate_reads) C(prefetch_data_hits) C(prefetch_data_misses) \
	C(prefetch_metadata_hits) C(prefetch_metadata_misses) C(mru_hits) C(mru_ghost_hits) \
	C(mfu_hits) C(mfu_ghost_hits) C(deleted) C(mutex_miss) C(access_skip) C(evict_skip) \
	C(evict_not_enough) C(evict_l2_cached) C(evict_l2_eligible) C(evict_l2_ineligible) \
	C(evict_l2_skip) G(hash_elements) G(hash_elements_max) C(hash_collisions) \
	G(hash_chains) G(hash_chain_max) G(p) G(c) G(c_min) G(c_max) G(size) \
	G(compressed_size) G(uncompressed_size) G(overhead_size) G(hdr_size) G(data_size) \
	G(metadata_size) G(dbuf_size) G(dnode_size) G(bonus_size) G(anon_size) \
	G(anon_evictable_data) G(anon_evictable_metadata) G(mru_size) G(mru_evictable_data) \
	G(mru_evictable_metadata) G(mru_ghost_size) G(mru_ghost_evictable_data) \
	G(mru_ghost_evictable_metadata) G(mfu_size) G(mfu_evictable_data) \
	G(mfu_evictable_metadata) G(mfu_ghost_size) G(mfu_ghost_evictable_data) \
	G(mfu_ghost_evictable_metadata) C(l2_hits) C(l2_misses) C(l2_feeds) C(l2_rw_clash) \
	C(l2_read_bytes) C(l2_write_bytes) C(l2_writes_sent) C(l2_writes_done) \
	C(l2_writes_error) C(l2_writes_lock_retry) C(l2_evict_lock_retry) \
	C(l2_evict_reading) C(l2_evict_l1cached) C(l2_free_on_write) C(l2_abort_lowmem) \
	C(l2_cksum_bad) C(l2_compress_failures) C(l2_compress_successes) \
	C(l2_compress_zeros) C(l2_io_error) G(l2_size) G(l2_asize) C(l2_cdata_free_on_write) \
	G(l2_hdr_size) C(memory_throttle_count) C(memory_direct_count) \
	C(memory_indirect_count) G(memory_all_bytes) G(memory_free_bytes) \
	G(memory_available_bytes) G(arc_no_grow) G(arc_tempreserve) G(arc_loaned_bytes) \
	C(arc_prune) G(arc_meta_used) G(arc_meta_limit) G(arc_dnode_limit) G(arc_meta_max) \
	G(arc_meta_min) C(async_upgrade_sync) C(demand_hit_predictive_prefetch) \
	C(demand_hit_prescient_prefetch) G(arc_need_free) G(arc_sys_free) G(arc_raw_size) \
	G(other_size) C(l2_log_blk_writes) G(l2_log_blk_avg_asize) G(l2_log_blk_asize) \
	G(l2_log_blk_count) G(l2_data_to_meta_ratio) C(l2_rebuild_success) \
	C(l2_rebuild_unsupported) C(l2_rebuild_io_errors) C(l2_rebuild_dh_errors) \
	C(l2_rebuild_cksum_lb_errors) C(l2_rebuild_lowmem) G(l2_rebuild_size) \
	G(l2_rebuild_asize) C(l2_rebuild_bufs) C(l2_rebuild_bufs_precached) \
	C(l2_rebuild_log_blks) C(cached_only_in_progress) G(abd_chunk_waste_size) \
	C(evict_l2_eligible_mfu) C(evict_l2_eligible_mru) G(l2_prefetch_asize) \
	G(l2_mru_asize) G(l2_mfu_asize) G(l2_bufc_data_asize) G(l2_bufc_metadata_asize) \
	C(iohits) C(demand_data_iohits) C(demand_metadata_iohits) C(prefetch_data_iohits) \
	C(prefetch_metadata_iohits) C(uncached_hits) G(meta) G(pd) G(pm) G(anon_data) \
	G(anon_metadata) G(mru_data) G(mru_metadata) G(mru_ghost_data) G(mru_ghost_metadata) \
	G(mfu_data) G(mfu_metadata) G(mfu_ghost_data) G(mfu_ghost_metadata) G(uncached_size) \
	G(uncached_data) G(uncached_metadata) G(uncached_evictable_data) \
	G(uncached_evictable_metadata) C(predictive_prefetch) \
	C(demand_iohit_predictive_prefetch) C(prescient_prefetch) \
	C(demand_iohit_prescient_prefetch) G(l2_ndev)

#define ZFS_DBUF_FIELDS(C, G) \
	G(dbuf_cache_count) G(dbuf_cache_size) G(dbuf_cache_size_max) \
	G(dbuf_cache_max_bytes) G(dbuf_cache_lowater_bytes) G(dbuf_cache_hiwater_bytes) \
	C(dbuf_cache_total_evicts) G(dbuf_cache_level_0) G(dbuf_cache_level_1) \
	G(dbuf_cache_level_2) G(dbuf_cache_level_3) G(dbuf_cache_level_4) \
	G(dbuf_cache_level_5) G(dbuf_cache_level_6) G(dbuf_cache_level_7) \
	G(dbuf_cache_level_8) G(dbuf_cache_level_9) G(dbuf_cache_level_10) \
	G(dbuf_cache_level_11) G(dbuf_cache_level_0_bytes) G(dbuf_cache_level_1_bytes) \
	G(dbuf_cache_level_2_bytes) G(dbuf_cache_level_3_bytes) G(dbuf_cache_level_4_bytes) \
	G(dbuf_cache_level_5_bytes) G(dbuf_cache_level_6_bytes) G(dbuf_cache_level_7_bytes) \
	G(dbuf_cache_level_8_bytes) G(dbuf_cache_level_9_bytes) G(dbuf_cache_level_10_bytes) \
	G(dbuf_cache_level_11_bytes) G(cache_count) G(cache_size_bytes) \
	G(cache_size_bytes_max) G(cache_target_bytes) G(cache_lowater_bytes) \
	G(cache_hiwater_bytes) C(cache_total_evicts) G(cache_level_0) G(cache_level_0_bytes) \
	G(cache_level_1) G(cache_level_1_bytes) G(cache_level_2) G(cache_level_2_bytes) \
	G(cache_level_3) G(cache_level_3_bytes) G(cache_level_4) G(cache_level_4_bytes) \
	G(cache_level_5) G(cache_level_5_bytes) G(cache_level_6) G(cache_level_6_bytes) \
	G(cache_level_7) G(cache_level_7_bytes) G(cache_level_8) G(cache_level_8_bytes) \
	G(cache_level_9) G(cache_level_9_bytes) G(cache_level_10) G(cache_level_10_bytes) \
	G(cache_level_11) G(cache_level_11_bytes) C(hash_hits) C(hash_misses) \
	C(hash_collisions) G(hash_elements) G(hash_elements_max) G(hash_chains) \
	G(hash_chain_max) C(hash_insert_race) G(hash_dbuf_level_0) G(hash_dbuf_level_1) \
	G(hash_dbuf_level_2) G(hash_dbuf_level_3) G(hash_dbuf_level_4) G(hash_dbuf_level_5) \
	G(hash_dbuf_level_6) G(hash_dbuf_level_7) G(hash_dbuf_level_8) G(hash_dbuf_level_9) \
	G(hash_dbuf_level_10) G(hash_dbuf_level_11) G(hash_dbuf_level_0_bytes) \
	G(hash_dbuf_level_1_bytes) G(hash_dbuf_level_2_bytes) G(hash_dbuf_level_3_bytes) \
	G(hash_dbuf_level_4_bytes) G(hash_dbuf_level_5_bytes) G(hash_dbuf_level_6_bytes) \
	G(hash_dbuf_level_7_bytes) G(hash_dbuf_level_8_bytes) G(hash_dbuf_level_9_bytes) \
	G(hash_dbuf_level_10_bytes) G(hash_dbuf_level_11_bytes) G(metadata_cache_count) \
	G(metadata_cache_size_bytes) G(metadata_cache_size_bytes_max) \
	C(metadata_cache_overflow) G(hash_table_count) G(hash_mutex_count)

#define ZFS_DMU_TX_FIELDS(C, G) \
	C(dmu_tx_assigned) C(dmu_tx_delay) C(dmu_tx_error) C(dmu_tx_suspended) \
	C(dmu_tx_group) C(dmu_tx_memory_reserve) C(dmu_tx_memory_reclaim) \
	C(dmu_tx_dirty_throttle) C(dmu_tx_dirty_delay) C(dmu_tx_dirty_over_max) \
	C(dmu_tx_dirty_frees_delay) C(dmu_tx_quota) C(dmu_tx_wrlog_delay)

#define ZFS_DNODE_FIELDS(C, G) \
	C(dnode_hold_dbuf_hold) C(dnode_hold_dbuf_read) C(dnode_hold_alloc_hits) \
	C(dnode_hold_alloc_misses) C(dnode_hold_alloc_interior) \
	C(dnode_hold_alloc_lock_retry) C(dnode_hold_alloc_lock_misses) \
	C(dnode_hold_alloc_type_none) C(dnode_hold_free_hits) C(dnode_hold_free_misses) \
	C(dnode_hold_free_lock_misses) C(dnode_hold_free_lock_retry) \
	C(dnode_hold_free_overflow) C(dnode_hold_free_refcount) C(dnode_hold_free_txg) \
	C(dnode_free_interior_lock_retry) C(dnode_allocate) C(dnode_reallocate) \
	C(dnode_buf_evict) C(dnode_alloc_next_chunk) C(dnode_alloc_race) \
	C(dnode_alloc_next_block) C(dnode_move_invalid) C(dnode_move_recheck1) \
	C(dnode_move_recheck2) C(dnode_move_special) C(dnode_move_handle) \
	C(dnode_move_rwlock) C(dnode_move_active)

#define ZFS_FM_FIELDS(C, G) \
	C(erpt_dropped) C(erpt_set_failed) C(fmri_set_failed) C(payload_set_failed) \
	C(erpt_duplicates)

#define ZFS_VDEV_CACHE_FIELDS(C, G) \
	C(delegations) C(hits) C(misses)

#define ZFS_VDEV_MIRROR_FIELDS(C, G) \
	C(rotating_linear) C(rotating_offset) C(rotating_seek) C(non_rotating_linear) \
	C(non_rotating_seek) C(preferred_found) C(preferred_not_found)

#define ZFS_XUIO_FIELDS(C, G) \
	G(onloan_read_buf) G(onloan_write_buf) C(read_buf_copied) C(read_buf_nocopy) \
	C(write_buf_copied) C(write_buf_nocopy)

#define ZFS_ZFETCH_FIELDS(C, G) \
	C(hits) C(misses) C(colinear_hits) C(colinear_misses) C(stride_hits) \
	C(stride_misses) C(reclaim_successes) C(reclaim_failures) C(streams_resets) \
	C(streams_noresets) C(bogus_streams) C(max_streams) C(io_issued) G(io_active) \
	C(future) C(stride) C(past)

#define ZFS_ZIL_FIELDS(C, G) \
	C(zil_commit_count) C(zil_commit_writer_count) C(zil_itx_count) \
	C(zil_itx_indirect_count) C(zil_itx_indirect_bytes) C(zil_itx_copied_count) \
	C(zil_itx_copied_bytes) C(zil_itx_needcopy_count) C(zil_itx_needcopy_bytes) \
	C(zil_itx_metaslab_normal_count) C(zil_itx_metaslab_normal_bytes) \
	C(zil_itx_metaslab_slog_count) C(zil_itx_metaslab_slog_bytes) \
	C(zil_itx_metaslab_normal_write) C(zil_itx_metaslab_normal_alloc) \
	C(zil_itx_metaslab_slog_write) C(zil_itx_metaslab_slog_alloc) \
	C(zil_commit_error_count) C(zil_commit_stall_count) C(zil_commit_suspend_count) \
	C(zil_commit_crash_count)

#define ZFS_DATASET_FIELDS(C, G) \
	C(writes) C(nwritten) C(reads) C(nread) C(nunlinks) C(nunlinked) C(zil_commit_count) \
	C(zil_commit_writer_count) C(zil_itx_count) C(zil_itx_indirect_count) \
	C(zil_itx_indirect_bytes) C(zil_itx_copied_count) C(zil_itx_copied_bytes) \
	C(zil_itx_needcopy_count) C(zil_itx_needcopy_bytes) C(zil_itx_metaslab_normal_count) \
	C(zil_itx_metaslab_normal_bytes) C(zil_itx_metaslab_normal_write) \
	C(zil_itx_metaslab_normal_alloc) C(zil_itx_metaslab_slog_count) \
	C(zil_itx_metaslab_slog_bytes) C(zil_itx_metaslab_slog_write) \
	C(zil_itx_metaslab_slog_alloc) C(zil_commit_error_count) C(zil_commit_stall_count) \
	C(zil_commit_suspend_count) C(zil_commit_crash_count)

#define ZFS_POOL_FIELDS(C, G) \
	C(nread) C(nwritten) C(reads) C(writes) C(wtime) C(wlentime) G(wupdate) C(rtime) C(rlentime) \
	G(rupdate) G(wcnt) G(rcnt)
/* clang-format on */

#endif
