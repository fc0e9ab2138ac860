#include "redact/redactor.h"

#include <gtest/gtest.h>

#include "redact/addresses.h"
#include "redact/secrets.h"

namespace rankdx {
namespace {

struct Case {
  std::string in, out;
};

void expect(Redactor& redactor, const std::vector<Case>& cases) {
  for (const Case& c : cases) EXPECT_EQ(redactor.redact(c.in), c.out) << c.in;
}

const std::string kLetters = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0dF";  // of no service

TEST(Redactor, ColoursWithinASecret) {
  Redactor r(Hide::SecretsOnly);
  EXPECT_EQ(r.redact("\x1b[32mready\x1b[0m"), "\x1b[32mready\x1b[0m");
  EXPECT_EQ(r.redact("at \x1b[36mhf_aB3dE6gH9jK2\x1b[1;31mmN5pQ8sT1vW4yZ7\x1b[0m now"),
            "at [redacted] now");
  // A broken colour takes no letter with it.
  EXPECT_EQ(r.redact("\x1b[- hf_aB3dE6gH9jK2mN5pQ8sT1vW4yZ7"), "\x1b[- [redacted]");
  EXPECT_EQ(r.redact("\x1b[0m\x1b[ hf_aB3dE6gH9jK2mN5pQ8sT1vW4yZ7"), "\x1b[ [redacted]");
  // Colours that stand in colours are taken off once.
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "\x1b[";
  deep += std::string(100'000, 'm');
  EXPECT_EQ(r.redact(deep), deep);
}

TEST(Redactor, SettingsInEveryNotation) {
  Redactor r(Hide::SecretsOnly);
  expect(
      r,
      {
          {"HF_TOKEN=Winter2026", "HF_TOKEN=[redacted]"},
          {"export DB_PASSWORD='a b;c'; run", "export DB_PASSWORD='[redacted]'; run"},
          {"env {\"OPENAI_API_KEY\": \"x-y z\", \"TP\": 2}",
           "env {\"OPENAI_API_KEY\": \"[redacted]\", \"TP\": 2}"},
          {R"({"log":"{\"password\":\"a\\\"b\",\"x\":1}"})",
           R"({"log":"{\"password\":\"[redacted]\",\"x\":1}"})"},
          {"non-default args: {'api_key': ['k1', 'k2'], 'port': 80}",
           "non-default args: {'api_key': [[redacted]], 'port': 80}"},
          {"Namespace(hf_token='Winter', api_key=None)",
           "Namespace(hf_token='[redacted]', api_key=None)"},
          {"vllm serve --api-key s3cret --port 1", "vllm serve --api-key [redacted] --port 1"},
          {"vllm serve --api-key=s3cret --port 1", "vllm serve --api-key=[redacted] --port 1"},
          {"['--api-key', 's3cret', '--port']", "['--api-key', '[redacted]', '--port']"},
          {"ray start --redis-password 5241590000000000", "ray start --redis-password [redacted]"},
          {"kubeadm join --token ab.cd --x", "kubeadm join --token [redacted] --x"},
          {"Authorization: Bearer abc.def", "Authorization: Bearer [redacted]"},
          {"Authorization: Digest username=\"a\", response=\"b\"",
           "Authorization: Digest [redacted]"},
          {"-H 'Authorization: Basic dTpw' -v", "-H 'Authorization: Basic [redacted]' -v"},
          {"X-Api-Key: abc", "X-Api-Key: [redacted]"},
          {"Cookie: a=b; session=c", "Cookie: [redacted]"},
          {"sent Bearer abc to it", "sent Bearer [redacted] to it"},
          {"password: hunter2", "password: [redacted]"},
          {"  db-password:   hunter2   # old", "  db-password:   [redacted]   # old"},
          {"dbPassword => hunter2", "dbPassword => [redacted]"},
          {"https://a.example/x?token=abc&y=1", "https://a.example/x?token=[redacted]&y=1"},
          {"https://a.example/?X-Amz-Credential=A%2F1&X-Amz-Signature=ff",
           "https://a.example/?X-Amz-Credential=[redacted]&X-Amz-Signature=[redacted]"},
          {"https://x.blob.example/c?sv=2022&sig=a%2Bb",
           "https://x.blob.example/c?sv=2022&sig=[redacted]"},
          {"AccountName=x;AccountKey=Ab+/==;End", "AccountName=x;AccountKey=[redacted];End"},
          {"https://bob:pw@hub.example/x", "https://[redacted]@hub.example/x"},
          {"postgres://u:p@ss@db:5432/x", "postgres://[redacted]@db:5432/x"},
          {"curl -u bob:pw https://x", "curl -u [redacted] https://x"},
          {"- name: HF_TOKEN", "- name: HF_TOKEN"},
          {"  value: Winter", "  value: [redacted]"},
          {"  value: Winter", "  value: Winter"},
          {"{\"name\":\"API_KEY\",\"value\":\"a b\"},{\"name\":\"TP\",\"value\":\"2\"}",
           "{\"name\":\"API_KEY\",\"value\":\"[redacted]\"},{\"name\":\"TP\",\"value\":\"2\"}"},
          {"hook https://hooks.slack.com/services/T0/B0/x y",
           "hook https://hooks.slack.com/services/[redacted] y"},
          {"https://discord.com/api/webhooks/1/abc", "https://discord.com/api/webhooks/[redacted]"},
          {"ConnectionString=\"a;b\" x", "ConnectionString=\"[redacted]\" x"},
          {"https://chat.googleapis.com/v1/spaces/AA/messages?key=a",
           "https://chat.googleapis.com/v1/spaces/[redacted]"},
          {"https://open.feishu.cn/open-apis/bot/v2/hook/ab-cd",
           "https://open.feishu.cn/open-apis/bot/v2/hook/[redacted]"},
          {"aws_secret_access_key = wJalr/K7", "aws_secret_access_key = [redacted]"},
      });
}

TEST(Redactor, PrivateKeys) {
  Redactor r(Hide::SecretsOnly);
  const std::string row(64, 'A');
  expect(r, {
                {"I: -----BEGIN RSA PRIVATE KEY-----", "I: [redacted]"},
                {row, "[redacted]"},
                {"pod/a " + row, "[redacted]"},
                {"Qw==", "[redacted]"},
                {"-----END RSA PRIVATE KEY-----", "[redacted]"},
                {"plain again", "plain again"},
                {R"({"k":"-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n","x":1})",
                 R"({"k":"[redacted]\n","x":1})"},
                // One that never ends does not swallow the log.
                {"-----BEGIN OPENSSH PRIVATE KEY-----", "[redacted]"},
                {row, "[redacted]"},
                {"node-a:1:2 [0] NCCL INFO comm 0x7f Init COMPLETE", "[redacted]"},
                {"node-a:1:2 [0] NCCL INFO Using network Socket", "[redacted]"},
                {"node-a:1:2 [0] NCCL INFO Connected all rings",
                 "node-a:1:2 [0] NCCL INFO Connected all rings"},
                {"-----BEGIN CERTIFICATE-----", "-----BEGIN CERTIFICATE-----"},
            });
}

/// Every shape of a token, wherever tokens stand: nothing of it may be left.
TEST(Redactor, EveryShapeEverywhere) {
  const std::string contexts[] = {
      "{}",         "use {} now",       "\"{}\"", "HF_TOKEN={}",    "x?k={}&y=1",
      "({}).",      "[2026] token {},", "--x {}", "'a', '{}', 'b'", "Bearer {}",
      "pod/a {} b", "key: {}",          "<{}>",   "a={};b=1",       "=={}"};
  std::string body = kLetters + kLetters;
  std::string upper = "A1B2C3D4E5F6G7H8";
  size_t shapes = 0;
  for (std::string_view begin : token_beginnings()) {
    if (begin == "ssh-" || begin == "ecdsa-") continue;
    ++shapes;
    const bool capitals = token_length(std::string(begin) + body) == 0;
    const std::string token = std::string(begin) + (capitals ? upper : body);
    for (const std::string& context : contexts) {
      std::string line = context;
      line.replace(line.find("{}"), 2, token);
      Redactor r(Hide::SecretsOnly);
      const std::string out = r.redact(line);
      EXPECT_EQ(out.find(capitals ? upper : body), out.npos) << line << " -> " << out;
      EXPECT_EQ(r.counts().secrets, 1u) << line;
    }
  }
  EXPECT_GE(shapes, 120u);
}

TEST(Redactor, LeavesWhatIsNone) {
  Redactor r(Hide::NamesToo);
  r.add_host("node");  // refused: it would blind every log
  for (const char* line :
       {"max_tokens=16 eos_token_id=2 tokenizer=auto max_num_batched_tokens=8192",
        "node-a:1:2 [0] NCCL INFO NCCL_DEBUG set by environment to INFO",
        "node-a:1:2 [0] NCCL INFO comm 0x55d rank 0 nRanks 4 busId 1b000 commId 0xceb1366e3b798513",
        "password: None",
        "api_key=None, hf_token=True",
        "HF_TOKEN=$HF_TOKEN",
        "HF_TOKEN=${HF_TOKEN}",
        "HF_TOKEN:  <set to the key 'token' in secret 'hf'>  Optional: false",
        "secretName: hf-token",
        "TOKEN_FILE=/run/token",
        "import token::kind",
        "nvidia-cudnn-cu12==9.10.2.21",
        "NCCL version 2.28.9+cuda13.0, driver 535.104.05",
        "lo:127.0.0.1<0> docker0:172.17.0.1<0>",
        "at 10:20:30 busId 1b000 00:1b:44:11:3a:b7",
        "aio_read_completion_queue_0 sk-worker-node-01-abcdef",
        "-----BEGIN CERTIFICATE-----",
        "hf_transfer_is_not_installed_here",
        "https://example.org/a@b",
        "role: user",
        "torch.distributed.DistBackendError: NCCL error in: ../torch/csrc/x.cpp:1691, unhandled "
        "system error",
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "1.2.3.4.5 v1.2.3.4 999.1.1.1"}) {
    const std::string out = r.redact(line);
    EXPECT_EQ(out, line) << line;
  }
  EXPECT_EQ(r.counts().total(), 0u);
}

TEST(Redactor, NamesKeepTheirStructure) {
  Redactor r(Hide::NamesToo);
  r.add_host("gpu-worker-01");
  r.add_host("GPU-worker-1");
  r.add_host("gpu-worker-01b");
  expect(r,
         {
             {"gpu-worker-01:211:213 [0] NCCL INFO Bootstrap: Using eth0:10.244.1.15<0>",
              "host-1:211:213 [0] NCCL INFO Bootstrap: Using eth0:198.18.0.15<0>"},
             {"peer 10.244.1.16 and 10.244.2.16,10.244.1.15:29500",
              "peer 198.18.0.16 and 198.18.1.16,198.18.0.15:29500"},
             {"on gpu-worker-01.example.org", "on host-1.example.org"},
             {"nccl-Gpu-Worker-01-7.log gpu-worker-01b gpu-worker-1 gpu-worker-012",
              "nccl-host-1-7.log host-3 host-2 gpu-worker-012"},
             {"/home/alice/model and /home/bob/x /Users/alice",
              "/home/user-1/model and /home/user-2/x /Users/user-1"},
             {"USER=alice user: 'bob', username=root", "USER=user-1 user: 'user-2', username=root"},
             {"eth0:fe80::5c:ff:fe00:1<0>", "eth0:fe80::1<0>"},
             {"[2001:db8:1::7]:29500 fd00::1", "[2001:db8:0:3::2]:29500 2001:db8:0:4::3"},
             {"ip-10-0-0-12:7:8 [0] NCCL INFO x", "host-4:7:8 [0] NCCL INFO x"},
             {"tcp://10.244.1.15:29500", "tcp://198.18.0.15:29500"},
         });
  EXPECT_EQ(r.counts().hosts, 6u);
}

TEST(Redactor, HostsThatBecomeKnownLater) {
  Redactor r(Hide::NamesToo);
  r.add_host("gpu-7");
  const std::string line = "gpu-7-a gpu-7.b:1 gpu-7-a";
  EXPECT_EQ(r.redact(line), "host-1-a host-1.b:1 host-1-a");
  r.add_host("gpu-7-a");
  EXPECT_EQ(r.redact(line), "host-2 host-1.b:1 host-2");
  const std::string_view kLong =
      "gpu-7-a.a-domain-whose-name-is-too-long-to-be-remembered.example.org";
  EXPECT_EQ(r.redact(kLong), "host-2" + std::string(kLong.substr(7)));
}

/// An address has three dots, or seven colons or two in a row, wherever in the line they stand.
TEST(Redactor, AddressesAtEndsOfLines) {
  Redactor r(Hide::NamesToo);
  expect(r, {{"10.1.2.3", "198.18.0.3"},
             {"1:2:3:4:5:6:7:8", "2001:db8:0:1::1"},
             {"1:2:3:4:5:6:7", "1:2:3:4:5:6:7"},
             {"fd00:1::", "2001:db8:0:2::2"},
             {"a:1 fd00:1::", "a:1 2001:db8:0:2::2"},
             {"::b", "2001:db8:0:3::3"},
             {"10.1.2 3.4", "10.1.2 3.4"}});
}

TEST(Redactor, NamesOfSecrets) {
  for (const char* yes :
       {"HF_TOKEN", "api-key", "dbPassword", "--hf-token", "WANDB_API_KEY", "AWS_SECRET_ACCESS_KEY",
        "client_secret", "X-Auth-Token", "redisPassword", "ssh_passphrase", "DOCKER_AUTH"}) {
    EXPECT_TRUE(names_a_secret(yes)) << yes;
  }
  for (const char* no :
       {"max_tokens", "eos_token_id", "tokenizer", "key", "cache_key", "num_tokens", "pad_token",
        "NCCL_DEBUG", "secretName", "secretKeyRef", "path", "signal", "sighandler"}) {
    EXPECT_FALSE(names_a_secret(no)) << no;
  }
}

TEST(Addresses, ManySubnetsStayApart) {
  AddressPseudonyms addresses;
  std::unordered_map<std::string, int> seen;
  for (int a = 0; a < 8; ++a) {
    for (int b = 0; b < 256; ++b)
      ++seen[addresses.of("10." + std::to_string(a) + "." + std::to_string(b) + ".1")];
  }
  EXPECT_EQ(seen.size(), 8u * 256);
  EXPECT_EQ(addresses.of("10.0.0.2"), "198.18.0.2");
  EXPECT_EQ(addresses.of("10.2.0.1"), "240.2.0.1");
}

}  // namespace
}  // namespace rankdx
