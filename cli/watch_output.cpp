// SPDX-License-Identifier: LGPL-2.1-or-later
#include "watch_output.hpp"

#include <algorithm>
#include <cstddef>

#include "characters.hpp"
#include "json.hpp"
#include "status_text.hpp"
#include "text.hpp"

namespace memctl::cli {
namespace {

// ECMA-48, and xterm's second screen.
constexpr const char* enter = "\x1b[?1049h\x1b[?25l";
constexpr const char* leave = "\x1b[?25h\x1b[?1049l";
constexpr const char* home = "\x1b[H";
constexpr const char* clear_screen = "\x1b[2J";
constexpr const char* clear_line_end = "\x1b[K";
constexpr const char* clear_below = "\x1b[J";

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::vector<DomainStatus> known(const WatchedDomains& domains) {
  std::vector<DomainStatus> rows;
  for (const auto& [id, watched] : domains) {
    if (watched.status) rows.push_back(*watched.status);
  }
  return rows;
}

}  // namespace

std::string_view name(Told told) {
  switch (told) {
    case Told::appeared:
      return "appeared";
    case Told::changed:
      return "changed";
    case Told::measured:
      return "measured";
    case Told::ended:
      return "ended";
  }
  return "changed";
}

std::string watch_screen(const WatchedDomains& domains, const HostFigures& host,
                         const StatusLook& look, const Screen& screen, int rows) {
  const std::vector<DomainStatus> asked = known(domains);
  std::vector<std::string> lines = lines_of(status_table(asked, look, screen));
  const std::size_t headings = lines.size() - std::min(asked.size(), lines.size());
  std::vector<std::string> last;
  if (domains.empty()) last.emplace_back("no guest runs");
  for (const auto& [id, watched] : domains) {
    if (watched.error) last.push_back(printable(watched.error->message));
  }
  if (host && look.has_host_line()) {
    last.push_back(host->has_value() ? lines_of(host_line(host->value(), look.unit, screen)).front()
                                     : "host: " + printable(host->error().message));
  }
  const auto room = static_cast<std::size_t>(std::max(rows - 1, 1));
  if (lines.size() + last.size() > room) {
    const std::size_t shown = room > last.size() + 1 ? room - last.size() - 1 : 0;
    lines.resize(std::min(shown, lines.size()));
    const std::size_t drawn = lines.size() - std::min(headings, lines.size());
    const std::size_t left_out = asked.size() - std::min(drawn, asked.size());
    last.insert(last.begin(), std::to_string(left_out) + " more");
  }
  lines.insert(lines.end(), last.begin(), last.end());
  lines.resize(std::min(lines.size(), room));
  std::string text;
  for (const std::string& line : lines) {
    text += screen.columns
                ? cut_to(line, static_cast<std::size_t>(std::max(*screen.columns, 1)), "")
                : line;
    text += "\n";
  }
  return text;
}

std::string watch_line(Told told, const Watched& watched, const StatusLook& look) {
  std::string text{name(told)};
  text += " " + printable(watched.domain.name) + " (" + std::string{name(watched.domain.type)} +
          ", domain " + std::to_string(number(watched.domain.id)) + ")";
  if (told == Told::ended || !watched.status) return text + "\n";
  const DomainStatus& status = *watched.status;
  const auto size = [&](Kib amount) {
    return show_size(amount, look.unit) + (look.unit == SizeUnit::mib     ? " MiB"
                                           : look.unit == SizeUnit::bytes ? " bytes"
                                                                          : "");
  };
  text += ": size " + size(status.size) + ", target " + size(status.target);
  if (status.limit) text += ", limit " + size(*status.limit);
  if (status.reported_total && status.reported_available) {
    text += ", used " + size(std::max(Kib{}, *status.reported_total - *status.reported_available));
  }
  return text + ", " + state_of(status) + "\n";
}

WatchOutput::WatchOutput(const Options& options, Environment& environment)
    : options_{options},
      environment_{environment},
      live_{!options.json && environment.can_redraw()} {
  if (live_) environment_.write_out(enter);
}

WatchOutput::~WatchOutput() {
  if (live_) environment_.write_out(leave + drawn_);
}

void WatchOutput::tell(Told told, const Watched& watched) {
  if (options_.json) {
    environment_.write_out(watch_json(name(told), watched.domain, watched.status));
  } else if (!live_) {
    environment_.write_out(watch_line(told, watched, options_.look));
  }
}

void WatchOutput::tell_error(const Error& error) {
  if (options_.json) {
    environment_.write_out(watch_error_json(error));
  } else if (!live_) {
    environment_.write_err(error_text(error, options_.verbose));
  }
}

void WatchOutput::draw(const WatchedDomains& domains, const HostFigures& host, bool resized) {
  if (!live_) return;
  const Screen screen = environment_.screen();
  std::string text = watch_screen(domains, host, options_.look, screen, environment_.screen_rows());
  if (text == drawn_ && !resized) return;
  std::string drawing = resized ? clear_screen : "";
  drawing += home;
  for (const std::string& line : lines_of(text)) drawing += clear_line_end + line + "\n";
  environment_.write_out(drawing + clear_below);
  drawn_ = std::move(text);
}

}  // namespace memctl::cli
