#include "bench/mix.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "bench/bank.h"
#include "bench/collision.h"
#include "bench/count.h"
#include "bench/fixed_scenario.h"
#include "bench/word_count.h"
#include "core/try.h"

namespace ingot::bench {
namespace {

constexpr std::uint32_t kWeightMax = 1'000'000;
constexpr std::uint64_t kDrawSalt = 0x6D69786564ULL;  // so that parts draw something else

// Small, so that each kind gets its turn even in a short run.
struct Kind {
  std::string_view name;
  std::unique_ptr<Scenario> (*make)(const BenchOptions& options);
};

template <typename S>
std::unique_ptr<Scenario> make(S scenario) {
  return std::make_unique<S>(std::move(scenario));
}

constexpr std::array<Kind, 10> kKinds = {{
    {"hello", [](const BenchOptions&) { return make(hello_scenario(3)); }},
    {"fanout", [](const BenchOptions&) { return make(fanout_scenario(20)); }},
    {"events", [](const BenchOptions&) { return make(conversation_scenario(10)); }},
    {"timers", [](const BenchOptions&) { return make(timers_scenario(3, 10)); }},
    {"suborch", [](const BenchOptions&) { return make(suborch_scenario(10)); }},
    {"chain", [](const BenchOptions&) { return make(chain_scenario(10)); }},
    {"bank",
     [](const BenchOptions& o) -> std::unique_ptr<Scenario> {
       return std::make_unique<BankScenario>(o.accounts);
     }},
    {"counter",
     [](const BenchOptions&) -> std::unique_ptr<Scenario> {
       return std::make_unique<CountScenario>(16, 10);
     }},
    {"wordcount",
     [](const BenchOptions&) -> std::unique_ptr<Scenario> {
       return std::make_unique<WordCountScenario>(100);
     }},
    {"collision",
     [](const BenchOptions&) -> std::unique_ptr<Scenario> {
       return std::make_unique<CollisionScenario>(2000);
     }},
}};

const Kind* find_kind(std::string_view name) {
  const auto* const found = std::find_if(kKinds.begin(), kKinds.end(),
                                         [name](const Kind& kind) { return kind.name == name; });
  return found == kKinds.end() ? nullptr : found;
}

Result<MixShare> parse_share(std::string_view text) {
  const std::size_t equals = std::min(text.find('='), text.size());
  MixShare share{std::string(text.substr(0, equals)), 0};
  const std::string_view number = text.substr(std::min(equals + 1, text.size()));
  const char* const end = number.data() + number.size();
  const auto [stop, error] = std::from_chars(number.data(), end, share.weight);
  if (find_kind(share.kind) == nullptr) {
    return Status(StatusCode::invalid_argument, share.kind + " is none of " + mix_kinds());
  }
  if (error != std::errc() || stop != end || share.weight > kWeightMax) {
    return Status(StatusCode::invalid_argument,
                  share.kind + " needs a share: a number from 0 to 1,000,000");
  }
  return share;
}

}  // namespace

std::string mix_kinds() {
  std::string names;
  for (const Kind& kind : kKinds) {
    if (!names.empty()) names += ", ";
    names += kind.name;
  }
  return names;
}

Result<std::vector<MixShare>> parse_mix(std::string_view text) {
  std::vector<MixShare> shares;
  std::uint64_t sum = 0;
  for (bool more = true; more;) {
    const std::size_t comma = text.find(',');
    more = comma != std::string_view::npos;
    INGOT_ASSIGN(MixShare share, parse_share(text.substr(0, comma)));
    for (const MixShare& other : shares) {
      if (other.kind != share.kind) continue;
      return Status(StatusCode::invalid_argument, share.kind + " has two shares");
    }
    sum += share.weight;
    shares.push_back(std::move(share));
    if (more) text.remove_prefix(comma + 1);
  }
  if (sum == 0) return Status(StatusCode::invalid_argument, "all shares are 0");
  return shares;
}

MixScenario::MixScenario(const std::vector<MixShare>& shares, const BenchOptions& options) {
  std::uint64_t sum = 0;
  for (const MixShare& share : shares) {
    if (share.weight == 0) continue;
    auto part = std::make_unique<Part>();
    sum += share.weight;
    part->kind = share.kind;
    part->weights_up_to = sum;
    part->scenario = find_kind(share.kind)->make(options);
    parts_.push_back(std::move(part));
  }
}

MixScenario::Part& MixScenario::part_of(const Lane& lane) const {
  const std::uint64_t drawn =
      Random(random_of(lane).next() ^ kDrawSalt).below(parts_.back()->weights_up_to);
  const auto part = std::find_if(parts_.begin(), parts_.end(), [drawn](const auto& candidate) {
    return drawn < candidate->weights_up_to;
  });
  return **part;
}

void MixScenario::begin(Session& session) {
  for (const auto& part : parts_) part->scenario->begin(session);
}

std::string_view MixScenario::orchestrator(const Lane& lane) const {
  return part_of(lane).scenario->orchestrator(lane);
}

void MixScenario::prepare(Lane& lane, StartOptions& start) {
  part_of(lane).scenario->prepare(lane, start);
}

std::string MixScenario::verify(const Lane& lane, const InstanceState& state) {
  Part& part = part_of(lane);
  std::string wrong = part.scenario->verify(lane, state);
  if (wrong.empty()) part.verified.fetch_add(1, std::memory_order_relaxed);
  return wrong;
}

Status MixScenario::finish(Session& session, Report& report) {
  for (const auto& part : parts_) {
    report.extra.emplace_back(part->kind + "_outputs", static_cast<double>(part->verified.load()));
  }
  for (const auto& part : parts_) INGOT_TRY(part->scenario->finish(session, report));
  return {};
}

}  // namespace ingot::bench
