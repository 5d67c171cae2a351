#!/bin/busybox sh
# The first program of the virtual machine: makes swap, runs the tests, says how they ended.
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs -o mode=1777 tmp /tmp
# Workers have no privileges; nor have the tests.
echo 'guest:x:1000:1000::/tmp:/bin/sh' >/etc/passwd

echo "mcpbox machine started: Linux $(uname -r)"

# The disk is looked for while this program already runs.
left=60
while [ ! -b /dev/nvme0n1 ] && [ "$left" -gt 0 ]; do
    sleep 1
    left=$((left - 1))
done
mkswap /dev/nvme0n1 && swapon /dev/nvme0n1
free -m

# The kernel has put the variables of its command line into the environment.
su guest -c "timeout $TEST_SECONDS /tests memory:: --nocapture --test-threads=1"
status=$?
[ "$status" = 143 ] && echo "the tests were ended after $TEST_SECONDS s"

free -m
swapped=$(awk '$1 == "pswpout" { print $2 }' /proc/vmstat)
echo
echo "mcpbox machine ended: status $status, $swapped pages swapped out"
poweroff -f
