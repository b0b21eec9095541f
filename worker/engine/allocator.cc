// Settings of jemalloc, which programs with tensors use instead of glibc's allocator. glibc returns
// large blocks to the kernel at once and faults them in again, page by page, for the next tensor;
// jemalloc keeps them for ten seconds, on huge pages. Measured with bench/speed, see
// bench/README.md. MALLOC_CONF in the environment overrides this.
extern "C" {
extern const char* malloc_conf;
const char* malloc_conf = "thp:always";
}
