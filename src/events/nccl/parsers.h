// The parsers that the table of heads names, by subsystem. Each reads one shape of message in every
// version's form; the fields it fills stand beside the kind in events/event.h.
#pragma once

#include "events/nccl/heads.h"

namespace rankdx::nccl {

// init.cc: versions, environment, communicator life
bool parse_banner(Cursor at, Event& event);
bool parse_driver_version(Cursor at, Event& event);
bool parse_env(Cursor at, Event& event);
bool parse_env_invalid(Cursor at, Event& event);
bool parse_env_out_of_range(Cursor at, Event& event);
bool parse_comm_config(Cursor at, Event& event);
bool parse_tuner_plugin(Cursor at, Event& event);
bool parse_comm(Cursor at, Event& event);
bool parse_destroyed(Cursor at, Event& event);
bool parse_bootstrap_split(Cursor at, Event& event);
bool parse_rank(Cursor at, Event& event);
bool parse_split_no_color(Cursor at, Event& event);
bool parse_bootstrap_timings(Cursor at, Event& event);
bool parse_init_timings(Cursor at, Event& event);
bool parse_connect_timings(Cursor at, Event& event);

// network.cc
bool parse_bootstrap_using(Cursor at, Event& event);
bool parse_socket_using(Cursor at, Event& event);
bool parse_old_interface(Cursor at, Event& event);
bool parse_ib_using(Cursor at, Event& event);
bool parse_name(Cursor at, Event& event);
bool parse_net(Cursor at, Event& event);
bool parse_gdr(Cursor at, Event& event);

// graph.cc
bool parse_node(Cursor at, Event& event);
bool parse_whole(Cursor at, Event& event);
bool parse_pattern(Cursor at, Event& event);
bool parse_trees(Cursor at, Event& event);
bool parse_tree_edge(Cursor at, Event& event);
bool parse_nvls_available(Cursor at, Event& event);
bool parse_collnet_off(Cursor at, Event& event);
bool parse_affinity(Cursor at, Event& event);
bool parse_channel_count(Cursor at, Event& event);
bool parse_p2p_chunk(Cursor at, Event& event);

// transport.cc
bool parse_channel(Cursor at, Event& event);
bool parse_collnet_via(Cursor at, Event& event);
bool parse_connected(Cursor at, Event& event);

// run.cc
bool parse_operation(Cursor at, Event& event);
bool parse_call(Cursor at, Event& event);
bool parse_algorithm_numbers(Cursor at, Event& event);
bool parse_alloc(Cursor at, Event& event);
bool parse_ras_dead(Cursor at, Event& event);
bool parse_proxy_closed(Cursor at, Event& event);

// errors.cc
bool parse_retry(Cursor at, Event& event);
bool parse_backtrace(Cursor at, Event& event);
void parse_warn(std::string_view body, Event& event);

}  // namespace rankdx::nccl
