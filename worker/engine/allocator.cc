// jemalloc in place of glibc's allocator for programs with tensors. glibc gives large blocks back
// to the kernel at once and gets them anew, page by page, for the next tensor; jemalloc keeps them
// for ten seconds, on huge pages. Measured with bench/speed, see bench/README.md. MALLOC_CONF in
// the environment goes before this.
extern "C" {
extern const char* malloc_conf;
const char* malloc_conf = "thp:always";
}
