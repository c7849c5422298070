#include "bench/bank.h"

#include <fmt/format.h>

#include <array>

#include "bench/entities.h"
#include "bench/orchestrators.h"
#include "core/hash.h"
#include "core/try.h"

namespace ingot::bench {
namespace {

constexpr std::uint64_t kAmountMax = 100;
constexpr int kDraws = 32;  // for an account in another partition

Task<std::string> transfer(OrchestrationContext& context) {
  std::string_view input = context.input();
  const EntityId from("account", take_word(input));
  const EntityId to("account", take_word(input));
  const std::int64_t amount = parse_signed(input);

  EntityLock lock = co_await context.lock_entities(from, to);
  Future<std::string> from_read = context.call_entity(from, "get");
  Future<std::string> to_read = context.call_entity(to, "get");
  std::string output = co_await std::move(from_read);
  const bool enough = parse_signed(output) >= amount;
  const std::string to_before = co_await std::move(to_read);
  output += ' ';
  output += to_before;
  if (!enough) co_return output;

  Future<std::string> paid = context.call_entity(from, "add", std::to_string(-amount));
  Future<std::string> received = context.call_entity(to, "add", std::to_string(amount));
  const std::string from_after = co_await std::move(paid);
  const std::string to_after = co_await std::move(received);
  lock.release();
  output += ' ';
  output += from_after;
  output += ' ';
  output += to_after;
  co_return output;
}

std::string verify_amount(const InstanceState& state, std::int64_t amount) {
  std::string_view rest = state.output ? std::string_view(*state.output) : std::string_view();
  const std::int64_t from = parse_signed(take_word(rest));
  const std::int64_t to = parse_signed(take_word(rest));
  // What such a transfer gives, if it reads this.
  std::string output = fmt::format("{} {}", from, to);
  if (from >= amount) output += fmt::format(" {} {}", from - amount, to + amount);
  return verify(state, output);
}

}  // namespace

Status add_bank(Registry& registry) { return registry.add_orchestrator("transfer", transfer); }

std::string verify_transfer(const InstanceState& state) {
  const std::string input = state.input.value_or("");
  std::string_view rest = input;
  for (int account = 0; account < 2; ++account) static_cast<void>(take_word(rest));
  return verify_amount(state, parse_signed(rest));
}

void BankScenario::begin(Session& session) {
  const std::size_t count = session.hub().metrics().partitions.size();
  partitions_.reserve(accounts_);
  for (std::uint64_t account = 0; account < accounts_; ++account) {
    const std::string id = to_string(EntityId("account", std::to_string(account)));
    partitions_.push_back(partition_of(id, static_cast<std::uint32_t>(count)).value);
  }
}

BankScenario::Transfer BankScenario::transfer_of(const Lane& lane) const {
  Random random = random_of(lane);
  Transfer transfer;
  transfer.from = random.below(accounts_);
  for (int draw = 0; draw < kDraws; ++draw) {
    transfer.to = random.below(accounts_ - 1);
    if (transfer.to >= transfer.from) ++transfer.to;
    if (partitions_[transfer.to] != partitions_[transfer.from]) break;
  }
  transfer.amount = static_cast<std::int64_t>(1 + random.below(kAmountMax));
  return transfer;
}

void BankScenario::prepare(Lane& lane, StartOptions& start) {
  const Transfer transfer = transfer_of(lane);
  start.input = fmt::format("{} {} {}", transfer.from, transfer.to, transfer.amount);
}

std::string BankScenario::verify(const Lane& lane, const InstanceState& state) {
  const std::int64_t amount = transfer_of(lane).amount;
  std::string_view rest = state.output ? std::string_view(*state.output) : std::string_view();
  if (parse_signed(rest) < amount) refused_.fetch_add(1, std::memory_order_relaxed);
  return verify_amount(state, amount);
}

Status BankScenario::finish(Session& session, Report& report) {
  INGOT_ASSIGN(const std::vector<std::int64_t> balances,
               read_numbers(session.client(), "account", accounts_));
  std::int64_t sum = 0;
  for (const std::int64_t balance : balances) {
    sum += balance;
    if (balance < 0) report.add_error(fmt::format("an account has {}", balance));
  }
  const std::int64_t expected = kFirstBalance * static_cast<std::int64_t>(accounts_);
  if (sum != expected) {
    report.add_error(fmt::format("all accounts together have {}, expected {}", sum, expected));
  }
  report.extra.emplace_back("sum_of_balances", static_cast<double>(sum));
  report.extra.emplace_back("refused", static_cast<double>(refused_.load()));
  return {};
}

}  // namespace ingot::bench
