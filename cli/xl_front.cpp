// SPDX-License-Identifier: LGPL-2.1-or-later
#include "xl_front.hpp"

#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>
#include <vector>

#include "exit_code.hpp"
#include "terminal.hpp"

namespace memctl::cli {
namespace {

using Words = std::vector<std::string>;

// As a shell has them.
constexpr int cannot_execute = 126;
constexpr int not_found = 127;

/// A command line of xl: xl [OPTIONS] [COMMAND [ARGUMENTS]].
struct XlLine {
  Words options{};
  std::string command{};  ///< Empty: there is none, or xl does not know an option.
  Words arguments{};
};

/// xl stops at the first word that is no option, and takes -- as the end of its options.
XlLine read_line(int argc, char** argv) {
  opterr = 0;
  for (int option = 0; (option = ::getopt(argc, argv, "+vftTN")) != -1;) {
    // This xl may know the option. Only the real one can tell where its command begins.
    if (option == '?') return {};
  }
  XlLine line;
  for (int i = 1; i < optind; ++i) {
    if (std::string_view{argv[i]} != "--") line.options.emplace_back(argv[i]);
  }
  if (optind >= argc) return line;
  line.command = argv[optind];
  line.arguments.assign(argv + optind + 1, argv + argc);
  return line;
}

bool same_file(const std::string& one, const std::string& other) {
  struct stat first {};
  struct stat second {};
  return ::stat(one.c_str(), &first) == 0 && ::stat(other.c_str(), &second) == 0 &&
         first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

void complain(const std::string& what) {
  static_cast<void>(write_all(STDERR_FILENO, "xl: " + what + "\n"));
}

int fail(const std::string& program, int error) {
  const std::string why = std::generic_category().message(error);
  complain("memctl's front for xl cannot execute " + program + ": " + why);
  return error == ENOENT ? not_found : cannot_execute;
}

/// `arguments` and a null pointer, as execve takes them.
std::vector<char*> pointers(Words& arguments) {
  std::vector<char*> result;
  for (std::string& argument : arguments) result.push_back(argument.data());
  result.push_back(nullptr);
  return result;
}

/// Replaces this process. Returns only if that fails.
int execute(const std::string& program, const Words& arguments) {
  Words all{program};
  all.insert(all.end(), arguments.begin(), arguments.end());
  ::execve(program.c_str(), pointers(all).data(), environ);
  return fail(program, errno);
}

/// The file xl-NAME beside the front.
std::optional<std::string> find_command(const FrontPlaces& places, const std::string& name) {
  if (name.empty() || name.find('/') != std::string::npos) return std::nullopt;
  std::error_code error;
  const auto self = std::filesystem::read_symlink(places.self, error);
  if (error) return std::nullopt;
  const std::string path = self.parent_path() / ("xl-" + name);
  struct stat found {};
  const bool is_program = ::stat(path.c_str(), &found) == 0 && S_ISREG(found.st_mode) &&
                          ::access(path.c_str(), X_OK) == 0;
  if (!is_program || same_file(path, places.self)) return std::nullopt;
  return path;
}

/// Our lines of the list that `xl help` prints, in its form.
std::string help_lines(const FrontPlaces& places) {
  struct Line {
    std::string_view name;
    std::string_view help;
  };
  constexpr std::array<Line, 3> lines{{
      {"mem-resize", "Bring a domain to a memory size, past its boot limit too, and verify it"},
      {"mem-status", "Show domains' memory, their limits and the sizes that are possible"},
      {"mem-doctor", "Check what resizing memory needs, and tell what mends it"},
  }};
  constexpr std::size_t column = 20;
  std::string text;
  for (const auto& [name, help] : lines) {
    if (!find_command(places, std::string{name})) continue;
    std::string line{name};
    line.resize(column, ' ');
    text.append(" ").append(line).append(help).append("\n");
  }
  return text;
}

/// Prints the real xl's help, and our lines below it. Ends as the real xl ended.
int show_help(const FrontPlaces& places, const Words& arguments) {
  Words all{places.xl};
  all.insert(all.end(), arguments.begin(), arguments.end());
  pid_t child = 0;
  const int error =
      ::posix_spawn(&child, places.xl.c_str(), nullptr, nullptr, pointers(all).data(), environ);
  if (error != 0) return fail(places.xl, error);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return fail(places.xl, errno);
  }
  if (WIFSIGNALED(status)) {
    static_cast<void>(std::signal(WTERMSIG(status), SIG_DFL));
    static_cast<void>(std::raise(WTERMSIG(status)));
  }
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
  if (code != 0 || write_all(STDOUT_FILENO, help_lines(places))) return code;
  complain("memctl's front for xl cannot write its output");
  return static_cast<int>(ExitCode::output_lost);
}

}  // namespace

int run_front(const FrontPlaces& places, int argc, char** argv) {
  const XlLine line = read_line(argc, argv);
  if (const auto command = find_command(places, line.command)) {
    Words arguments = line.options;
    arguments.insert(arguments.end(), line.arguments.begin(), line.arguments.end());
    return execute(*command, arguments);
  }
  const bool help = line.command == "help";
  if (help && line.arguments.size() == 1) {
    const auto command = find_command(places, line.arguments.front());
    if (command) return execute(*command, {"--help"});
  }
  if (same_file(places.xl, places.self)) {
    complain(places.xl + " is memctl's front for xl, and it would execute itself for ever");
    return cannot_execute;
  }
  const Words arguments{argv + std::min(argc, 1), argv + argc};
  return help && line.arguments.empty() ? show_help(places, arguments)
                                        : execute(places.xl, arguments);
}

}  // namespace memctl::cli
