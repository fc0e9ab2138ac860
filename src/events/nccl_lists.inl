// The lists inside NCCL messages. A list may be cut anywhere: an entry that is not whole is left out.
#pragma once

#include <charconv>
#include <string_view>

namespace rankdx::nccl_lists {

/// Takes a decimal number off the front, after blanks; false when there is none.
inline bool take_int(std::string_view& text, int& value) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return true;
}

inline bool take(std::string_view& text, std::string_view mark) {
  if (!text.starts_with(mark)) return false;
  text.remove_prefix(mark.size());
  return true;
}

/// One entry of a list that starts with "[n]": moves `list` behind the bracket, false at the end.
inline bool next_entry(std::string_view& list, int& number) {
  for (size_t open = list.find('['); open != std::string_view::npos; open = list.find('[')) {
    list.remove_prefix(open + 1);
    std::string_view rest = list;
    if (take_int(rest, number) && take(rest, "]")) {
      list = rest;
      return true;
    }
  }
  return false;
}

/// "1/2/-1" or "4" into `down`.
inline bool take_ranks(std::string_view& text, int (&ranks)[3], int& count) {
  count = 0;
  do {
    if (count == 3 || !take_int(text, ranks[count])) return false;
    ++count;
  } while (take(text, "/"));
  return true;
}

/// "1/2/-1->0->-1" (2.5 and later), "-1->0->1/2/-1" (2.4, and the second half of 2.5 to 2.7). The side that
/// holds more than one rank is the lower one.
inline bool take_tree(std::string_view& text, int (&left)[3], int& left_count, int& rank, int (&right)[3],
                      int& right_count) {
  return take_ranks(text, left, left_count) && take(text, "->") && take_int(text, rank) && take(text, "->") &&
         take_ranks(text, right, right_count);
}

}  // namespace rankdx::nccl_lists

namespace rankdx {

template <class Fn>
void for_each_net_device(std::string_view list, Fn&& fn) {
  int number = 0;
  while (nccl_lists::next_entry(list, number)) {
    // 2.20 to 2.23 print merged devices as "[0]={[0] mlx5_0:1/IB, [1] mlx5_1:1/IB}".
    std::string_view entry = list.substr(list.find_first_not_of(' ') == 1 ? 1 : 0);
    if (entry.starts_with('=')) continue;
    entry = entry.substr(0, entry.find_first_of(" ,}"));
    const size_t colon = entry.find(':');
    if (colon == std::string_view::npos) continue;
    std::string_view name = entry.substr(0, colon);
    std::string_view address = entry.substr(colon + 1);
    const size_t port = address.find('<');
    if (port != std::string_view::npos) {
      address = address.substr(0, port);
      // An interface alias has a colon of its own ("eth0:1"), an IPv6 address at least two.
      const size_t alias = address.rfind(':');
      if (alias != std::string_view::npos && alias == address.find(':')) {
        name = entry.substr(0, colon + 1 + alias);
        address.remove_prefix(alias + 1);
      }
    } else if (address.find('/') == std::string_view::npos) {
      continue;
    }
    fn(name, address);
  }
}

template <class Fn>
void for_each_int(std::string_view list, Fn&& fn) {
  int value = 0;
  while (nccl_lists::take_int(list, value)) {
    if (!list.empty() && list.front() != ' ') return;
    fn(value);
  }
}

template <class Fn>
void for_each_tree(std::string_view list, Fn&& fn) {
  int channel = 0;
  while (nccl_lists::next_entry(list, channel)) {
    do {
      int left[3], right[3], left_count = 0, right_count = 0;
      TreeLinks tree;
      tree.channel = channel;
      if (!nccl_lists::take_tree(list, left, left_count, tree.rank, right, right_count)) break;
      const bool down_first = left_count >= right_count;
      const int count = down_first ? left_count : right_count;
      tree.up = down_first ? right[0] : left[0];
      for (int i = 0; i < count; ++i) tree.down[i] = down_first ? left[i] : right[i];
      fn(tree);
    } while (nccl_lists::take(list, "|"));  // 2.5 to 2.7: the trees of reduce and of broadcast
  }
}

}  // namespace rankdx
