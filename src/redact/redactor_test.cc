#include "redact/redactor.h"

#include <gtest/gtest.h>

#include "redact/shapes.h"

namespace rankdx {
namespace {

TEST(Redactor, Secrets) {
  struct Case { std::string in, out; };
  const std::string t = "abcdefghijklmnopqrstuvwxyz012345";
  const Case cases[] = {
      {"token hf_" + t + " used", "token [redacted] used"},
      {"HF_TOKEN=" + t, "HF_TOKEN=[redacted]"},
      {"env {\"OPENAI_API_KEY\": \"x-y z\"}", "env {\"OPENAI_API_KEY\": \"[redacted] z\"}"},
      {"vllm serve --api-key s3cret --port 1", "vllm serve --api-key [redacted] --port 1"},
      {"Authorization: Bearer abc.def", "Authorization: Bearer [redacted]"},
      {"https://bob:pw@hub.example/x", "https://[redacted]@hub.example/x"},
      {"AKIAABCDEFGHIJKLMNOP", "[redacted]"},
      {"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "[redacted]"},
      {"max_tokens=16 eos_token_id=2 tokenizer=auto", "max_tokens=16 eos_token_id=2 tokenizer=auto"},
      {"node-a:1:2 [0] NCCL INFO NCCL_DEBUG set by environment to INFO", "node-a:1:2 [0] NCCL INFO NCCL_DEBUG set by environment to INFO"},
      {"password: None", "password: None"},
      {"-----BEGIN RSA PRIVATE KEY-----", "[redacted]"},
      {"MIIEowIBAAKCAQEA", "[redacted]"},
      {"-----END RSA PRIVATE KEY-----", "[redacted]"},
      {"plain again", "plain again"},
  };
  Redactor r(Hide::SecretsOnly);
  for (const Case& c : cases) EXPECT_EQ(r.redact(c.in), c.out);
}

TEST(Redactor, NamesKeepTheirStructure) {
  struct Case { std::string in, out; };
  const Case cases[] = {
      {"gpu-worker-01:211:213 [0] NCCL INFO Bootstrap: Using eth0:10.244.1.15<0>", "host-1:211:213 [0] NCCL INFO Bootstrap: Using eth0:198.18.0.15<0>"},
      {"peer 10.244.1.16 and 10.244.2.16", "peer 198.18.0.16 and 198.18.1.16"},
      {"lo:127.0.0.1<0> docker0:172.17.0.1<0>", "lo:127.0.0.1<0> docker0:172.17.0.1<0>"},
      {"NCCL version 2.28.9+cuda13.0, driver 535.104.05", "NCCL version 2.28.9+cuda13.0, driver 535.104.05"},
      {"on gpu-worker-01.example.org", "on host-1.example.org"},
      {"/home/alice/model and /home/alice/x", "/home/user-1/model and /home/user-1/x"},
      {"eth0:fe80::5c:ff:fe00:1<0>", "eth0:fe80::1<0>"},
      {"at 10:20:30 busId 1b000", "at 10:20:30 busId 1b000"},
  };
  Redactor r(Hide::NamesToo);
  r.add_host("gpu-worker-01");
  for (const Case& c : cases) EXPECT_EQ(r.redact(c.in), c.out);
}

TEST(Redactor, NamesOfSecrets) {
  for (const char* yes : {"HF_TOKEN", "api-key", "dbPassword", "--hf-token", "WANDB_API_KEY", "AWS_SECRET_ACCESS_KEY", "client_secret"}) EXPECT_TRUE(names_a_secret(yes)) << yes;
  for (const char* no : {"max_tokens", "eos_token_id", "tokenizer", "key", "cache_key", "num_tokens", "pad_token", "NCCL_DEBUG"}) EXPECT_FALSE(names_a_secret(no)) << no;
}

}  // namespace
}  // namespace rankdx
