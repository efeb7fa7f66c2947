// SPDX-License-Identifier: LGPL-2.1-or-later
#include "json.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

namespace memctl::cli {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

Json schema(const std::string& event) {
  std::ifstream file{std::string{MEMCTL_SCHEMA_DIR} + "/" + event + ".schema.json"};
  return Json::parse(file);
}

/// Checks that the text is one line with exactly the keys of the schema.
Json checked(const std::string& text, const Json& object_schema) {
  EXPECT_EQ(std::ranges::count(text, '\n'), 1);
  EXPECT_TRUE(text.ends_with("\n"));
  const Json object = Json::parse(text);
  std::set<std::string> keys;
  std::set<std::string> expected;
  for (const auto& item : object.items()) keys.insert(item.key());
  for (const auto& item : object_schema.at("properties").items()) expected.insert(item.key());
  EXPECT_EQ(keys, expected);
  return object;
}

template <class Enum>
std::set<std::string> names(std::initializer_list<Enum> values) {
  std::set<std::string> result;
  for (const Enum value : values) result.emplace(name(value));
  return result;
}

std::set<std::string> enumerated(const Json& list) {
  std::set<std::string> result;
  for (const Json& value : list) {
    if (value.is_string()) result.insert(value.get<std::string>());
  }
  return result;
}

TEST(Json, Progress) {
  const Json object =
      checked(progress_json({Phase::populate, 1, 160_MiB, 1_GiB, 512_MiB, 1200ms}, web1),
              schema("progress"));
  EXPECT_EQ(object["event"], "progress");
  EXPECT_EQ(object["domain"]["name"], "web1");
  EXPECT_EQ(object["phase"], "populate");
  EXPECT_EQ(object["now_kib"], 524288);
  EXPECT_EQ(object["elapsed_ms"], 1200);
}

TEST(Json, Configuration) {
  const Json in_force = schema("config").at("oneOf").at(0);
  const Json object = checked(config_json(Configuration{}), in_force);
  EXPECT_EQ(object["file"], "/etc/memctl/memctl.toml");
  EXPECT_EQ(object["found"], false);
  EXPECT_EQ(object["reserve_kib"], 65536);
  EXPECT_EQ(object["host_numa"], "any");
  EXPECT_EQ(object["numa"], "any");
  EXPECT_TRUE(object["timeout_ms"].is_null() && object["lines"]["timeout"].is_null());
  const auto read =
      parse_configuration("[resize]\ntimeout = 5\n[[domain]]\nname = 'a'\nmaximum = 64\n", "/f");
  const Json set = checked(config_json(read.value()), in_force);
  EXPECT_EQ(set["timeout_ms"], 5000);
  EXPECT_EQ(set["lines"]["timeout"], 2);
  const Json& domain = set["domains"].at(0);
  EXPECT_EQ(domain["name"], "a");
  EXPECT_TRUE(domain["minimum_kib"].is_null() && domain["lines"]["minimum"].is_null());
  EXPECT_EQ(domain["maximum_kib"], 65536);
  EXPECT_EQ(domain["lines"]["maximum"], 5);
}

TEST(Json, AWrongConfiguration) {
  const Json object =
      checked(config_error_json({.cause = Cause::invalid_argument, .message = "no", .hint = "yes"}),
              schema("config").at("oneOf").at(1));
  EXPECT_EQ(object["message"], "no");
}

TEST(Json, ReportOfAVerifiedResize) {
  const Ending ending{
      Report{.outcome = Outcome::verified,
             .domain = {DomainId{3}, "web1", DomainType::pvh},
             .from = 160_MiB,
             .requested = 1_GiB,
             .reached = 1_GiB,
             .guest_total = 1003_MiB,
             .limit = 1_GiB,
             .pool = 16_MiB,
             .stages = 2,
             .elapsed = 2143ms,
             .phases = {{Phase::facts, 3ms}, {Phase::populate, 900ms}, {Phase::populate, 800ms}},
             .verified = {true, true, true}}};
  const Json object = checked(report_json(ending), schema("report"));
  EXPECT_EQ(object["outcome"], "verified");
  EXPECT_TRUE(object["cause"].is_null() && object["hint"].is_null() && object["message"].is_null());
  EXPECT_EQ(object["domain"], (Json{{"id", 3}, {"name", "web1"}, {"type", "pvh"}}));
  EXPECT_EQ(object["reached_kib"], 1048576);
  EXPECT_EQ(object["phase_ms"], (Json{{"facts", 3}, {"populate", 1700}}));
  EXPECT_EQ(object["verified"], (Json{{"xen", true}, {"blocks", true}, {"guest_total", true}}));
  EXPECT_TRUE(object["numa_estimate"].is_null());
}

TEST(Json, WhereMemoryCameFromAndWouldComeFrom) {
  const NumaEstimate estimate{.nodes = {1},
                              .changes = {{.node = 0, .free = 4_KiB}, {.node = 1, .free = -8_KiB}},
                              .local = 8_KiB};
  const Ending ending{Report{.outcome = Outcome::verified,
                             .numa_estimate = std::make_shared<const NumaEstimate>(estimate)}};
  const Json report = checked(report_json(ending), schema("report"));
  EXPECT_EQ(report["numa_estimate"],
            (Json{{"nodes", {1}},
                  {"local_kib", 8},
                  {"changes", Json::array({{{"node", 0}, {"free_change_kib", 4}},
                                           {{"node", 1}, {"free_change_kib", -8}}})}}));
  const NumaForecast forecast{.nodes = {0, 1}};
  const Json plan = checked(plan_json({.numa_forecast = forecast}), schema("plan"));
  EXPECT_EQ(plan["numa_forecast"], (Json{{"nodes", {0, 1}}, {"local_kib", nullptr}}));
  const Json status =
      checked(status_json({.numa_forecast = forecast}), schema("status").at("oneOf").at(0));
  EXPECT_EQ(status["numa_forecast"], plan["numa_forecast"]);
}

TEST(Json, ReportOfAResizeThatNeverBeganHasNullForTheUnknown) {
  const Ending ending{Error{.cause = Cause::no_xen, .message = "no Xen here", .log = {"a", "b"}},
                      std::nullopt, std::nullopt};
  const Json object = checked(report_json(ending), schema("report"));
  EXPECT_EQ(object["outcome"], "refused");
  EXPECT_EQ(object["cause"], "no_xen");
  EXPECT_EQ(object["message"], "no Xen here");
  EXPECT_EQ(object["hint"], hint(Cause::no_xen));
  for (const char* key : {"domain", "from_kib", "requested_kib", "reached_kib", "guest_total_kib",
                          "limit_kib", "pool_kib", "nearest_kib", "range", "raw"}) {
    EXPECT_TRUE(object[key].is_null()) << key;
  }
  EXPECT_EQ(object["stages"], 0);
  EXPECT_EQ(object["log"], (Json{"a", "b"}));
}

TEST(Json, PlanWithItsStages) {
  const Json object = checked(plan_json({.domain = {DomainId{3}, "web1", DomainType::pv},
                                         .from = 1_GiB,
                                         .to = 512_MiB,
                                         .stages = {{512_MiB, 0, Kib{}, -512_MiB}}}),
                              schema("plan"));
  EXPECT_EQ(object["stages"][0]["host_memory_kib"], -524288);
  EXPECT_TRUE(object["pool_kib"].is_null());
}

TEST(Json, StatusAndItsError) {
  const Json variants = schema("status").at("oneOf");
  const Json object = checked(status_json({.domain = {DomainId{3}, "web1", DomainType::pv},
                                           .agent = AgentStatus{"0.1.0", "6.1.0", 128_MiB},
                                           .refused_by = Cause::domain_paused}),
                              variants.at(0));
  EXPECT_EQ(object["agent"]["block_size_kib"], 131072);
  EXPECT_EQ(object["refused_by"], "domain_paused");
  const Json sized =
      checked(status_json({.domain = {DomainId{3}, "web1", DomainType::pv},
                           .range = SizeRange{.smallest = {93_MiB, Cause::below_floor, "in use"},
                                              .largest = {2_GiB, Cause::host_memory, "no more"}}}),
              variants.at(0));
  EXPECT_EQ(sized["range"]["smallest"]["size_kib"], 95232);
  EXPECT_EQ(sized["range"]["largest"]["cause"], "host_memory");
  const Json error =
      checked(status_error_json({.cause = Cause::no_such_domain, .message = "x"}), variants.at(1));
  EXPECT_EQ(error["cause"], "no_such_domain");
}

TEST(Json, AFindingAndItsError) {
  const Json variants = schema("doctor").at("oneOf");
  const Json host = checked(
      finding_json({Check::autoballoon, Severity::bad, "on", "switch it off"}, std::nullopt),
      variants.at(0));
  EXPECT_EQ(host["subject"], "host");
  EXPECT_EQ(host["severity"], "bad");
  EXPECT_EQ(host["remedy"], "switch it off");
  EXPECT_TRUE(host["domain"].is_null());
  const Json guest = checked(finding_json({Check::kernel, Severity::good, "6.1", ""},
                                          DomainIdentity{DomainId{3}, "web1", DomainType::pv}),
                             variants.at(2));
  EXPECT_EQ(guest["subject"], "guest");
  EXPECT_EQ(guest["domain"]["name"], "web1");
  EXPECT_TRUE(guest["remedy"].is_null());
  const Json error =
      checked(doctor_error_json({.cause = Cause::no_such_domain, .message = "x"}), variants.at(3));
  EXPECT_EQ(error["event"], "doctor");
}

TEST(Json, Recovery) {
  const DomainIdentity domain{DomainId{3}, "web1", DomainType::pvh};
  const Json nothing = checked(recovery_json({.unknown_claim = 4_KiB}, domain), schema("recover"));
  EXPECT_EQ(nothing["outcome"], "nothing");
  EXPECT_EQ(nothing["unknown_claim_kib"], 4);
  EXPECT_TRUE(nothing["cause"].is_null() && nothing["reached_kib"].is_null());
  const Json kept = checked(recovery_json({.report = Report{.outcome = Outcome::kept,
                                                            .cause = Cause::agent_absent,
                                                            .message = "no answer",
                                                            .reached = 1_GiB}},
                                          domain),
                            schema("recover"));
  EXPECT_EQ(kept["outcome"], "kept");
  EXPECT_EQ(kept["cause"], "agent_absent");
  EXPECT_EQ(kept["reached_kib"], 1 << 20);
  const Error busy{.cause = Cause::busy, .message = "x", .raw = 11, .log = {"y"}};
  const Json refused =
      checked(recovery_error_json(Ending{busy, std::nullopt, std::nullopt}), schema("recover"));
  EXPECT_EQ(refused["outcome"], "refused");
  EXPECT_EQ(refused["raw"], 11);
  EXPECT_TRUE(refused["domain"].is_null());
}

TEST(Json, BytesThatAreNotUtf8AreReplaced) {
  const std::string text =
      progress_json({}, web1) + status_error_json({.cause = Cause::busy, .message = "a\xff\x1b"});
  EXPECT_NE(text.find("a\xef\xbf\xbd\\u001b"), std::string::npos);
}

TEST(Schema, ListsTheChecksOfEachSubject) {
  const Json variants = schema("doctor").at("oneOf");
  for (const auto part : {Subject::host, Subject::domain, Subject::guest}) {
    std::set<std::string> checks;
    for (int number = 0; number <= static_cast<int>(Check::xenstored); ++number) {
      const auto check = static_cast<Check>(number);
      if (subject(check) == part) checks.emplace(name(check));
    }
    const Json properties = variants.at(static_cast<std::size_t>(part)).at("properties");
    EXPECT_EQ(properties["subject"]["const"], name(part));
    EXPECT_EQ(enumerated(properties["check"]["enum"]), checks);
    EXPECT_EQ(enumerated(properties["severity"]["enum"]),
              names({Severity::good, Severity::note, Severity::bad, Severity::unknown}));
  }
}

TEST(Schema, ListsTheCausesOutcomesAndPhasesOfTheLibrary) {
  std::set<std::string> causes;
  for (int number = 1; !error_category().message(number).starts_with("unknown"); ++number) {
    causes.insert(error_category().message(number));
  }
  const Json report = schema("report").at("properties");
  EXPECT_EQ(enumerated(report["cause"]["enum"]), causes);
  EXPECT_EQ(enumerated(schema("recover")["properties"]["cause"]["enum"]), causes);
  const Json status = schema("status").at("oneOf");
  EXPECT_EQ(enumerated(status[0]["properties"]["refused_by"]["enum"]), causes);
  EXPECT_EQ(enumerated(status[1]["properties"]["cause"]["enum"]), causes);
  EXPECT_EQ(enumerated(schema("doctor")["oneOf"][3]["properties"]["cause"]["enum"]), causes);
  EXPECT_EQ(enumerated(report["outcome"]["enum"]),
            names({Outcome::verified, Outcome::refused, Outcome::restored, Outcome::kept,
                   Outcome::superseded, Outcome::failed, Outcome::gone}));
  const auto phases = names({Phase::facts, Phase::reserve, Phase::online, Phase::populate,
                             Phase::verify, Phase::restore});
  EXPECT_EQ(enumerated(schema("progress")["properties"]["phase"]["enum"]), phases);
  std::set<std::string> timed;
  for (const auto& item : report["phase_ms"]["properties"].items()) timed.insert(item.key());
  EXPECT_EQ(timed, phases);
}

}  // namespace
}  // namespace memctl::cli
