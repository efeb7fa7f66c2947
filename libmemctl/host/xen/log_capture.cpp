// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/xen/log_capture.hpp"

#include <algorithm>
#include <array>
#include <system_error>
#include <utility>

#include "host/xen/xen_headers.hpp"

namespace memctl::host::xen {
namespace {

constexpr std::size_t max_lines = 64;
constexpr std::size_t max_length = 512;

}  // namespace

struct LogCapture::Sink : xentoollog_logger {
  std::vector<std::string> lines;

  __attribute__((format(printf, 5, 0))) static void on_message(xentoollog_logger* logger,
                                                               xentoollog_level level, int error,
                                                               const char* context,
                                                               const char* format,
                                                               va_list arguments) {
    auto& lines = static_cast<Sink*>(logger)->lines;
    if (level < XTL_INFO || lines.size() >= max_lines) return;
    // libxenctrl's caller reads errno after the call, so logging must not change errno.
    const int earlier = errno;
    std::array<char, max_length> text{};
    std::vsnprintf(text.data(), text.size(), format, arguments);
    std::string line = context != nullptr ? std::string{context} + ": " : std::string{};
    line += text.data();
    line.erase(line.find_last_not_of(" \r\n") + 1);
    std::ranges::replace_if(
        line, [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
    if (error > 0) line += ": " + std::generic_category().message(error);
    if (line.size() > max_length) line.resize(max_length);
    lines.push_back(std::move(line));
    errno = earlier;
  }
};

LogCapture::LogCapture() : sink_{std::make_unique<Sink>()} {
  sink_->vmessage = Sink::on_message;
  sink_->progress = nullptr;
  sink_->destroy = [](xentoollog_logger*) {};
  sink_->lines.reserve(max_lines);
}

LogCapture::~LogCapture() = default;

xentoollog_logger* LogCapture::logger() { return sink_.get(); }

std::vector<std::string> LogCapture::take() { return std::exchange(sink_->lines, {}); }

}  // namespace memctl::host::xen
