// dropfs STORE FOLDER [--lie]: a file system in FOLDER that forgets what was not synced.
//
// What is written lies in this process's memory, as in a page cache that is never written back. An
// fsync of a file brings its changed pages to STORE, an fsync of a folder the names in it. Killing
// the process is the power cut: a new one on the same STORE shows what was synced and nothing else.
// Writing a number to FOLDER/.power-cut is a power cut as well, one that has let some of the rest
// reach the disk: random 512-byte sectors, and the new names or none of them, as the number says.
//
// --lie: an fsync does nothing. With it the tests prove that they would see a loss.
//
// STORE holds `tree`, a line "<D or F> <id> <path>" for each durable name, and `inode-<id>` with
// the bytes of each file. One thread serves all calls. No links, no times, no renamed folders:
// enough for a hub.

#define FUSE_USE_VERSION 31

#include <fcntl.h>
#include <fuse3/fuse.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <string_view>

namespace {

constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kSector = 512;
constexpr std::string_view kPowerCut = "/.power-cut";

struct Node {
  std::uint64_t id = 0;
  bool folder = false;
  std::string path;  // of the name it was made with: folders keep theirs
  std::string bytes;
  std::set<std::uint64_t> dirty;  // pages that STORE does not have like this
};
using NodePointer = std::shared_ptr<Node>;
using Tree = std::map<std::string, NodePointer>;

std::string store;
bool lie = false;
Tree now;
Tree durable;
std::uint64_t next_id = 1;

[[noreturn]] void broken(const std::string& what) {
  std::perror(("dropfs: " + what).c_str());
  std::_Exit(1);
}

std::string inode_path(const Node& node) { return store + "/inode-" + std::to_string(node.id); }

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}

NodePointer find(const std::string& path) {
  const auto found = now.find(path);
  return found == now.end() ? nullptr : found->second;
}

// An open file's, which may have lost its name.
Node* node_of(const char* path, const fuse_file_info* info) {
  if (info != nullptr && info->fh != 0) return reinterpret_cast<NodePointer*>(info->fh)->get();
  return path == nullptr ? nullptr : find(path).get();
}

void write_tree() {
  std::string text;
  for (const auto& [path, node] : durable) {
    text += (node->folder ? "D " : "F ") + std::to_string(node->id) + " " + path + "\n";
  }
  std::ofstream(store + "/tree.new", std::ios::binary | std::ios::trunc) << text;
  if (std::rename((store + "/tree.new").c_str(), (store + "/tree").c_str()) != 0) broken("tree");
}

void read_tree() {
  std::ifstream tree(store + "/tree");
  std::string kind;
  std::string path;
  std::uint64_t id = 0;
  while (tree >> kind >> id && std::getline(tree.ignore(1), path)) {
    auto node = std::make_shared<Node>();
    node->id = id;
    node->folder = kind == "D";
    node->path = path;
    if (std::ifstream file(inode_path(*node), std::ios::binary); file) {
      node->bytes.assign(std::istreambuf_iterator<char>(file), {});
    }
    durable[path] = node;
    next_id = std::max(next_id, id + 1);
  }
  if (durable.empty()) {
    auto root = std::make_shared<Node>();
    root->folder = true;
    root->path = "/";
    durable["/"] = root;
  }
  now = durable;
}

// Brings pages to the store: whole, or those sectors of which `keep` says so.
template <typename Keep>
void store_pages(Node& node, bool whole, Keep&& keep) {
  const int file = ::open(inode_path(node).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) broken(inode_path(node));
  const std::uint64_t step = whole ? kPage : kSector;
  for (const std::uint64_t page : node.dirty) {
    for (std::uint64_t at = page * kPage; at < (page + 1) * kPage; at += step) {
      if (at >= node.bytes.size() || !keep()) continue;
      const std::size_t size = std::min<std::uint64_t>(step, node.bytes.size() - at);
      if (::pwrite(file, node.bytes.data() + at, size, static_cast<off_t>(at)) !=
          static_cast<ssize_t>(size)) {
        broken(inode_path(node));
      }
    }
  }
  if (whole && ::ftruncate(file, static_cast<off_t>(node.bytes.size())) != 0) {
    broken(inode_path(node));
  }
  ::close(file);
}

[[noreturn]] void cut_power(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const bool names = random() % 2 == 0;
  for (const auto& [path, node] : now) {
    if (node->folder || node->dirty.empty() || lie) continue;
    store_pages(*node, false, [&random] { return random() % 2 == 0; });
  }
  if (names && !lie) {
    durable = now;
    write_tree();
  }
  std::_Exit(0);
}

NodePointer make_node(const char* path, bool folder) {
  auto node = std::make_shared<Node>();
  node->id = next_id++;
  node->folder = folder;
  node->path = path;
  return node;
}

void hold(fuse_file_info* info, NodePointer node) {
  info->fh = reinterpret_cast<std::uint64_t>(new NodePointer(std::move(node)));
}

void touch(Node& node, std::uint64_t from, std::uint64_t to) {
  for (std::uint64_t page = from / kPage; page * kPage < to; ++page) node.dirty.insert(page);
}

void resize(Node& node, std::uint64_t size) {
  touch(node, std::min<std::uint64_t>(size, node.bytes.size()),
        std::max<std::uint64_t>(size, node.bytes.size()));
  node.bytes.resize(size);
}

// --- the calls
// ------------------------------------------------------------------------------------

int get_attributes(const char* path, struct stat* out, fuse_file_info* info) {
  const Node* node = node_of(path, info);
  if (node == nullptr) return -ENOENT;
  std::memset(out, 0, sizeof *out);
  out->st_ino = node->id;
  out->st_mode = node->folder ? S_IFDIR | 0700 : S_IFREG | 0600;
  out->st_nlink = 1;
  out->st_uid = ::getuid();
  out->st_gid = ::getgid();
  out->st_size = static_cast<off_t>(node->bytes.size());
  out->st_blocks = static_cast<blkcnt_t>((node->bytes.size() + kSector - 1) / kSector);
  return 0;
}

int make_folder(const char* path, mode_t) {
  if (find(path) != nullptr) return -EEXIST;
  now[path] = make_node(path, true);
  return 0;
}

bool has_children(const std::string& path) {
  const auto next = now.lower_bound(path + "/");
  return next != now.end() && next->first.starts_with(path + "/");
}

int remove_folder(const char* path) {
  if (has_children(path)) return -ENOTEMPTY;
  return now.erase(path) == 0 ? -ENOENT : 0;
}

int remove_file(const char* path) { return now.erase(path) == 0 ? -ENOENT : 0; }

int rename_file(const char* from, const char* to, unsigned flags) {
  const NodePointer node = find(from);
  if (node == nullptr) return -ENOENT;
  if (node->folder || flags != 0) return -EINVAL;
  now.erase(from);
  now[to] = node;
  return 0;
}

int create(const char* path, mode_t, fuse_file_info* info) {
  NodePointer node = find(path);
  if (node == nullptr) node = now[path] = make_node(path, false);
  hold(info, std::move(node));
  return 0;
}

int open_file(const char* path, fuse_file_info* info) {
  NodePointer node = find(path);
  if (node == nullptr) return -ENOENT;
  if ((info->flags & O_TRUNC) != 0) resize(*node, 0);
  hold(info, std::move(node));
  return 0;
}

int release(const char*, fuse_file_info* info) {
  delete reinterpret_cast<NodePointer*>(info->fh);
  return 0;
}

int read_file(const char* path, char* out, size_t size, off_t offset, fuse_file_info* info) {
  const Node* node = node_of(path, info);
  if (node == nullptr) return -ENOENT;
  const auto at = static_cast<std::size_t>(offset);
  if (at >= node->bytes.size()) return 0;
  const std::size_t count = std::min(size, node->bytes.size() - at);
  std::memcpy(out, node->bytes.data() + at, count);
  return static_cast<int>(count);
}

int write_file(const char* path, const char* bytes, size_t size, off_t offset,
               fuse_file_info* info) {
  Node* node = node_of(path, info);
  if (node == nullptr) return -ENOENT;
  if (node->path == kPowerCut) {
    cut_power(std::strtoull(std::string(bytes, size).c_str(), nullptr, 10));
  }
  const auto at = static_cast<std::size_t>(offset);
  if (at + size > node->bytes.size()) resize(*node, at + size);
  std::memcpy(node->bytes.data() + at, bytes, size);
  touch(*node, at, at + size);
  return static_cast<int>(size);
}

int truncate_file(const char* path, off_t size, fuse_file_info* info) {
  Node* node = node_of(path, info);
  if (node == nullptr) return -ENOENT;
  resize(*node, static_cast<std::uint64_t>(size));
  return 0;
}

int allocate(const char* path, int mode, off_t offset, off_t size, fuse_file_info* info) {
  if (mode != 0) return -EOPNOTSUPP;
  Node* node = node_of(path, info);
  if (node == nullptr) return -ENOENT;
  const auto end = static_cast<std::uint64_t>(offset + size);
  if (end > node->bytes.size()) resize(*node, end);
  return 0;
}

int sync_file(const char* path, int, fuse_file_info* info) {
  Node* node = node_of(path, info);
  if (node == nullptr) return -ENOENT;
  if (lie) return 0;
  store_pages(*node, true, [] { return true; });
  node->dirty.clear();
  return 0;
}

int sync_folder(const char* path, int, fuse_file_info* info) {
  const Node* synced = node_of(path, info);
  if (synced == nullptr) return -ENOENT;
  if (lie) return 0;
  const std::string& folder = synced->path;
  std::erase_if(durable, [&folder](const auto& entry) {
    return entry.first != "/" && parent_of(entry.first) == folder && !now.contains(entry.first);
  });
  for (const auto& [name, node] : now) {
    if (name != "/" && parent_of(name) == folder) durable[name] = node;
  }
  write_tree();
  return 0;
}

int open_folder(const char* path, fuse_file_info* info) {
  NodePointer node = find(path);
  if (node == nullptr) return -ENOENT;
  hold(info, std::move(node));
  return 0;
}

int read_folder(const char* path, void* buffer, fuse_fill_dir_t fill, off_t, fuse_file_info* info,
                fuse_readdir_flags) {
  const Node* open = node_of(path, info);
  if (open == nullptr) return -ENOENT;
  const std::string& folder = open->path;
  for (const char* name : {".", ".."}) fill(buffer, name, nullptr, 0, fuse_fill_dir_flags{});
  for (const auto& [name, node] : now) {
    if (name == "/" || parent_of(name) != folder) continue;
    struct stat kind {};
    kind.st_mode = node->folder ? S_IFDIR : S_IFREG;
    fill(buffer, name.substr(name.rfind('/') + 1).c_str(), &kind, 0, fuse_fill_dir_flags{});
  }
  return 0;
}

int file_system(const char*, struct statvfs* out) {
  std::memset(out, 0, sizeof *out);
  out->f_bsize = out->f_frsize = kPage;
  out->f_blocks = out->f_bfree = out->f_bavail = 1ULL << 20;
  out->f_namemax = 255;
  return 0;
}

void* configure(fuse_conn_info*, fuse_config* config) {
  config->nullpath_ok = 1;  // open files are known by their handle
  config->hard_remove = 1;
  return nullptr;
}

int set_times(const char*, const timespec*, fuse_file_info*) { return 0; }
int set_mode(const char*, mode_t, fuse_file_info*) { return 0; }

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: dropfs STORE FOLDER [--lie]\n");
    return 2;
  }
  store = argv[1];
  lie = argc > 3 && std::string_view(argv[3]) == "--lie";
  read_tree();
  fuse_operations calls{};
  calls.getattr = get_attributes;
  calls.mkdir = make_folder;
  calls.rmdir = remove_folder;
  calls.unlink = remove_file;
  calls.rename = rename_file;
  calls.create = create;
  calls.open = open_file;
  calls.release = release;
  calls.read = read_file;
  calls.write = write_file;
  calls.truncate = truncate_file;
  calls.fallocate = allocate;
  calls.fsync = sync_file;
  calls.fsyncdir = sync_folder;
  calls.opendir = open_folder;
  calls.releasedir = release;
  calls.readdir = read_folder;
  calls.init = configure;
  calls.statfs = file_system;
  calls.utimens = set_times;
  calls.chmod = set_mode;
  std::string words[] = {"dropfs", "-f", "-s", "-o", "fsname=dropfs", argv[2]};
  char* arguments[std::size(words)];
  for (std::size_t i = 0; i < std::size(words); ++i) arguments[i] = words[i].data();
  return fuse_main(static_cast<int>(std::size(words)), arguments, &calls, nullptr);
}
