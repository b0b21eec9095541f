// The program vico-decode: decodes one uploaded picture for vico-server, confined.
#include "server/pictures/decoder/helper.h"

int main(int argc, char** argv) {
  vico::server::RunDecodeHelper(argc, argv, vico::server::DecodePicture);
}
