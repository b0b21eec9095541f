// Keeps OpenSSL's state until the process has ended. Without it OpenSSL frees the state in exit(),
// while threads of gRPC that nothing joins still use it, and the program now and then ends with
// "double free or corruption" (https://github.com/grpc/grpc/issues/38539).
#include <openssl/crypto.h>

// Linked into every program by its name (CMakeLists.txt); runs before main(), so before any other
// use of OpenSSL.
extern "C" {
extern const int vico_openssl_exit;
const int vico_openssl_exit = OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, nullptr);
}
