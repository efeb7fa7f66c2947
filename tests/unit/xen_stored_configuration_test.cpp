// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What libxl has stored of a domain.
#include "host/xen/stored_configuration.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>

namespace memctl::host::xen {
namespace {

class Configuration {
 public:
  explicit Configuration(libxl_domain_type type) {
    libxl_domain_config_init(&value);
    libxl_domain_create_info_init(&value.c_info);
    value.c_info.type = type;
    libxl_domain_build_info_init_type(&value.b_info, type);
  }
  libxl_domain_config value;
  StoredConfiguration stored() { return StoredConfiguration{std::move(value)}; }

  libxl_device_disk& add_disk(const char* name) {
    value.disks = static_cast<libxl_device_disk*>(std::calloc(1, sizeof *value.disks));
    value.num_disks = 1;
    libxl_device_disk_init(value.disks);
    value.disks->vdev = strdup(name);
    return *value.disks;
  }
  void add_nic(libxl_nic_type type) {
    value.nics = static_cast<libxl_device_nic*>(std::calloc(1, sizeof *value.nics));
    value.num_nics = 1;
    libxl_device_nic_init(value.nics);
    value.nics->nictype = type;
  }
};

TEST(StoredConfiguration, UnsetFiguresAreUnknown) {
  const auto stored = Configuration{LIBXL_DOMAIN_TYPE_PVH}.stored();
  EXPECT_EQ(stored.boot_limit(), std::nullopt);
  EXPECT_EQ(stored.frozen_pool(), std::nullopt);
}

TEST(StoredConfiguration, TellsTheBootLimitAndAFrozenPool) {
  Configuration configuration{LIBXL_DOMAIN_TYPE_PVH};
  configuration.value.b_info.max_memkb = 163840;
  configuration.value.b_info.shadow_memkb = 1664;
  const auto stored = configuration.stored();
  EXPECT_EQ(stored.boot_limit(), 160_MiB);
  EXPECT_EQ(stored.boot_size(), 160_MiB) << "as the limit, because nothing else is said";
  EXPECT_EQ(stored.frozen_pool(), 1664_KiB);
}

TEST(StoredConfiguration, HasItsFrozenPoolReplaced) {
  auto stored = Configuration{LIBXL_DOMAIN_TYPE_PVH}.stored();
  stored.set_frozen_pool(8_MiB);
  EXPECT_EQ(stored.frozen_pool(), 8_MiB);
  stored.set_frozen_pool(std::nullopt);
  EXPECT_EQ(stored.frozen_pool(), std::nullopt);
}

TEST(StoredConfiguration, APvDomainHasNoPool) {
  Configuration configuration{LIBXL_DOMAIN_TYPE_PV};
  configuration.value.b_info.shadow_memkb = 0;
  EXPECT_EQ(configuration.stored().frozen_pool(), std::nullopt);
}

TEST(StoredConfiguration, TellsAGuestInXensShim) {
  EXPECT_FALSE(Configuration{LIBXL_DOMAIN_TYPE_PVH}.stored().in_shim());
  for (const bool on : {false, true}) {
    Configuration configuration{LIBXL_DOMAIN_TYPE_PVH};
    libxl_defbool_set(&configuration.value.b_info.u.pvh.pvshim, on);
    EXPECT_EQ(configuration.stored().in_shim(), on);
  }
  EXPECT_FALSE(Configuration{LIBXL_DOMAIN_TYPE_PV}.stored().in_shim());
  EXPECT_FALSE(Configuration{LIBXL_DOMAIN_TYPE_HVM}.stored().in_shim());
}

TEST(EmulatedDmaDevices, AreThoseThatTheDeviceModelEmulates) {
  EXPECT_EQ(Configuration{LIBXL_DOMAIN_TYPE_PV}.stored().emulated_dma_devices(), false);
  EXPECT_EQ(Configuration{LIBXL_DOMAIN_TYPE_HVM}.stored().emulated_dma_devices(), false);

  for (const auto* name : {"hda", "xvda", "xvdf", "xvdb1", "sda", "sdz", "d0p0", "768", ""}) {
    Configuration with_disk{LIBXL_DOMAIN_TYPE_HVM};
    with_disk.add_disk(name);
    EXPECT_EQ(with_disk.stored().emulated_dma_devices(), true) << name;
  }
  for (const auto* name : {"xvdg", "hdz", "xvdaa"}) {
    Configuration with_disk{LIBXL_DOMAIN_TYPE_HVM};
    with_disk.add_disk(name);
    EXPECT_EQ(with_disk.stored().emulated_dma_devices(), false) << name;
  }
  for (const auto& [type, emulated] :
       {std::pair{LIBXL_NIC_TYPE_VIF, false}, std::pair{LIBXL_NIC_TYPE_UNKNOWN, true},
        std::pair{LIBXL_NIC_TYPE_VIF_IOEMU, true}}) {
    Configuration with_nic{LIBXL_DOMAIN_TYPE_HVM};
    with_nic.add_nic(type);
    EXPECT_EQ(with_nic.stored().emulated_dma_devices(), emulated) << type;
  }
  Configuration with_usb{LIBXL_DOMAIN_TYPE_HVM};
  libxl_defbool_set(&with_usb.value.b_info.u.hvm.usb, true);
  EXPECT_EQ(with_usb.stored().emulated_dma_devices(), true);
  Configuration with_sound{LIBXL_DOMAIN_TYPE_HVM};
  with_sound.value.b_info.u.hvm.soundhw = strdup("ac97");
  EXPECT_EQ(with_sound.stored().emulated_dma_devices(), true);
  Configuration with_qxl{LIBXL_DOMAIN_TYPE_HVM};
  with_qxl.value.b_info.u.hvm.vga.kind = LIBXL_VGA_INTERFACE_TYPE_QXL;
  EXPECT_EQ(with_qxl.stored().emulated_dma_devices(), true);
}

TEST(EmulatedDmaDevices, AreUnknownIfTheDeviceModelGotArgumentsOfItsOwn) {
  Configuration configuration{LIBXL_DOMAIN_TYPE_HVM};
  auto** list = static_cast<char**>(std::calloc(2, sizeof(char*)));
  list[0] = strdup("-device");
  configuration.value.b_info.extra_hvm = list;
  EXPECT_EQ(configuration.stored().emulated_dma_devices(), std::nullopt);
}

}  // namespace
}  // namespace memctl::host::xen
