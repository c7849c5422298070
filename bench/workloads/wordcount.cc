// wordcount: mapper entities cut a generated text into words, reducer entities count them.

#include "bench/word_count.h"
#include "bench/workload.h"

namespace ingot::bench {
namespace {

Status run(const BenchOptions& options, Report& report) {
  WordCountScenario scenario(options.words);
  if (Status status = run_load(options, scenario, report); !status.ok()) return status;
  report.add_rate("words_per_s", static_cast<double>(report.completed) * options.words);
  return {};
}

}  // namespace

Workload wordcount_workload() {
  return {"wordcount", "Texts whose words are counted by mapper and reducer entities.",
          kTakesLoad | kTakesWords, [](BenchOptions& options) { options.concurrency = 32; }, run};
}

}  // namespace ingot::bench
