// A fuzz target without libFuzzer: runs the corpus, the seeds, and so many simple mutations of
// each, all decided by INGOT_SEED. Prints the input that a crash is due to.
//
//   <target>-replay [--mutations N] [--write-seeds FOLDER] FOLDER|FILE...

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include "core/random.h"
#include "tests/fuzz/fuzz.h"

namespace {

using ingot::Random;

std::string at_hand;  // for the signal handler

extern "C" void print_input(int signal) {
  constexpr char kDigits[] = "0123456789abcdef";
  const char head[] = "the input, in hexadecimal digits: ";
  static_cast<void>(!::write(STDERR_FILENO, head, sizeof head - 1));
  for (const char c : at_hand) {
    const auto byte = static_cast<unsigned char>(c);
    const char digits[2] = {kDigits[byte >> 4], kDigits[byte & 15]};
    static_cast<void>(!::write(STDERR_FILENO, digits, sizeof digits));
  }
  static_cast<void>(!::write(STDERR_FILENO, "\n", 1));
  ::signal(signal, SIG_DFL);
  ::raise(signal);
}

void run(std::string input) {
  at_hand = std::move(input);
  ingot::fuzz::run(at_hand);
}

std::string mutated(std::string input, const std::vector<std::string>& others, Random& random) {
  for (std::uint64_t left = 1 + random.below(4); left != 0; --left) {
    const std::size_t at = input.empty() ? 0 : random.below(input.size());
    switch (random.below(6)) {
      case 0:
        if (!input.empty()) input[at] = static_cast<char>(input[at] ^ (1 << random.below(8)));
        break;
      case 1:
        if (!input.empty()) input[at] = static_cast<char>(random.next());
        break;
      case 2:
        input.resize(at);
        break;
      case 3:
        input.erase(at, 1 + random.below(8));
        break;
      case 4:
        input.insert(at, 1 + random.below(4), static_cast<char>(random.next()));
        break;
      default: {
        const std::string& other = others[random.below(others.size())];
        const std::size_t from = other.empty() ? 0 : random.below(other.size());
        input.insert(at, other, from, 1 + random.below(64));
      }
    }
  }
  return input;
}

void read_inputs(const std::filesystem::path& path, std::vector<std::string>& inputs) {
  if (std::filesystem::is_directory(path)) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(path)) files.push_back(entry);
    std::sort(files.begin(), files.end());
    for (const auto& file : files) read_inputs(file, inputs);
  } else {
    std::ifstream file(path, std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
}

void write_seeds(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  std::size_t n = 0;
  for (const std::string& seed : ingot::fuzz::seeds()) {
    std::ofstream(folder / ("seed-" + std::to_string(n++)), std::ios::binary) << seed;
  }
}

}  // namespace

int main(int argc, char** argv) {
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) {
    ::signal(signal, print_input);
  }
  std::uint64_t mutations = 0;
  std::vector<std::string> inputs = ingot::fuzz::seeds();
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--mutations" && i + 1 < argc) {
      mutations = std::strtoull(argv[++i], nullptr, 10);
    } else if (argument == "--write-seeds" && i + 1 < argc) {
      write_seeds(argv[++i]);
      return 0;
    } else {
      read_inputs(argument, inputs);
    }
  }
  const char* const seed_text = std::getenv("INGOT_SEED");
  const std::uint64_t seed = seed_text != nullptr ? std::strtoull(seed_text, nullptr, 10) : 1;
  std::cout << inputs.size() << " inputs, INGOT_SEED=" << seed << std::endl;
  Random random(seed);
  for (const std::string& input : inputs) run(input);
  for (std::uint64_t i = 0; i < mutations; ++i) {
    run(mutated(inputs[random.below(inputs.size())], inputs, random));
  }
  std::cout << inputs.size() + mutations << " runs" << std::endl;
}
